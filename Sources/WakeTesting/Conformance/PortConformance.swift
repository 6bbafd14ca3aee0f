import WakeCore
import WakeService

/// A promise of a port that was not kept: what its conformance suite throws.
public struct BrokenPromise: Error, Hashable, CustomStringConvertible {
    /// The promise, in words.
    public let description: String

    static func unless(_ isKept: Bool, _ promise: String) throws(BrokenPromise) {
        if !isKept { throw BrokenPromise(description: "not kept: \(promise)") }
    }
}

/// Samples that conformance suites hand to ports.
enum Sample {
    static func delivery(_ number: UInt64) -> DeliveryID { DeliveryID(wake: Identifier(high: 0xC0F, low: number), kind: .notice) }

    static func order(_ number: UInt64, over route: Route) -> SendOrder {
        let delivery = delivery(number)
        guard let session = try? SessionKey("agent:main:main") else {
            preconditionFailure("the sample's session key is not valid")
        }
        return SendOrder(
            delivery: delivery, session: session, route: route, capabilities: RouteCapabilities(),
            text: "conformance \(number)", trailer: NoticeText.trailer(of: delivery.wake), nonce: delivery.description, attempt: 1
        )
    }
}
