import ControlServer
import GatewayProtocol
import WakeCore

/// The methods that stop and start channels, while their wakes are held.
extension Desk {
    func channelsStart(_ call: ControlCall) throws(GatewayFault) -> JSONValue? {
        let host = try host(call)
        let wasStopped = host.start()
        return [
            "channel": .string(host.channel.transport), "accountId": .string(host.channel.account), "started": .bool(wasStopped),
            "outcome": wasStopped ? ["status": "handed-off"] : ["status": "skipped", "reason": "it runs already"],
        ]
    }

    func channelsStop(_ call: ControlCall) throws(GatewayFault) -> JSONValue? {
        let host = try host(call)
        let ran = host.stop(because: "stopped by \(call.caller.client.id); reveille call channels.start starts it again")
        return [
            "channel": .string(host.channel.transport), "accountId": .string(host.channel.account), "stopped": .bool(ran),
        ]
    }

    private func host(_ call: ControlCall) throws(GatewayFault) -> ChannelHost {
        var fields = FieldReader(call.params, in: call.method)
        let channel = fields.text("channel", 1...128)
        let account = fields.optionalText("accountId", 1...64)
        try fields.finish()
        let name = channel.flatMap { ChannelName($0) ?? ChannelName("\($0):\(account ?? "default")") }
        guard let host = parts.hosts.first(where: { $0.channel == name }) else {
            let known = parts.hosts.map(\.channel.description).sorted().joined(separator: ", ")
            throw GatewayFault(.invalidRequest, "there is no channel \(name?.description ?? channel ?? ""); there is \(known)")
        }
        return host
    }
}
