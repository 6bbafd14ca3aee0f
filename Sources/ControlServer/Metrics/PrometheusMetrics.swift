public import CoreMetrics
import Synchronization

/// A backend of swift-metrics that keeps counters, gauges and timers in memory, and prints them in the text format of Prometheus
/// (exposition formats, version 0.0.4).
///
/// Bounded: of one program's own labels there are few, but labels may hold what others chose.
public final class PrometheusMetrics: MetricsFactory {
    /// The most series that are kept; later ones are not counted.
    public static let maximumSeries = 2_000
    /// The upper bounds of a timer's buckets, in seconds.
    public static let bucketsSeconds: [Double] = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30, 300]

    enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    struct Series: Hashable, Sendable {
        let name: String
        let labels: [String]
    }

    struct Value: Sendable {
        let kind: Kind
        var sum = 0.0
        var count: Int64 = 0
        var buckets: [Int64] = []
    }

    private let values = Mutex<[Series: Value]>([:])
    /// A name has one kind, whatever its labels.
    private let kinds = Mutex<[String: Kind]>([:])

    /// Makes one without any series.
    public init() {}

    // MARK: MetricsFactory

    /// Makes a counter.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        handler(label, dimensions, .counter)
    }

    /// Makes a gauge, or a recorder of values, which is shown as its last one.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        handler(label, dimensions, .gauge)
    }

    /// Makes a gauge that goes up and down.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        handler(label, dimensions, .gauge)
    }

    /// Makes a timer; shown as a histogram of seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        handler(label, dimensions, .histogram)
    }

    /// Does nothing: what was counted stays.
    public func destroyCounter(_ handler: any CounterHandler) {}
    /// Does nothing: what was recorded stays.
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    /// Does nothing: what was set stays.
    public func destroyMeter(_ handler: any MeterHandler) {}
    /// Does nothing: what was measured stays.
    public func destroyTimer(_ handler: any TimerHandler) {}

    private func handler(_ label: String, _ dimensions: [(String, String)], _ kind: Kind) -> Handler {
        let series = Series(
            name: Self.plain(label, isSeries: true), labels: dimensions.map { "\(Self.plain($0.0))=\"\(Self.escaped($0.1))\"" })
        return Handler(metrics: self, series: series, kind: kind)
    }

    fileprivate func change(_ series: Series, _ kind: Kind, _ body: (inout Value) -> Void) {
        values.withLock { values in
            guard values[series] != nil || values.count < Self.maximumSeries else { return }
            // Two instruments of one name and different kinds are a mistake, but none to die of: the first one counts.
            guard kinds.withLock({ $0[series.name, default: kind] }) == kind else { return }
            var value = values[series] ?? Value(kind: kind, buckets: kind == .histogram ? Self.bucketsSeconds.map { _ in 0 } : [])
            body(&value)
            values[series] = value
            kinds.withLock { $0[series.name] = kind }
        }
    }

    // MARK: Text

    /// Every series, by name.
    public var text: String {
        var lines: [String] = []
        var last = ""
        let all = values.withLock { $0 }.sorted { ($0.key.name, $0.key.labels.joined()) < ($1.key.name, $1.key.labels.joined()) }
        for (series, value) in all {
            if series.name != last { lines.append("# TYPE \(series.name) \(value.kind.rawValue)") }
            last = series.name
            guard value.kind == .histogram else {
                lines.append("\(series.name)\(Self.braced(series.labels)) \(Self.number(value.sum))")
                continue
            }
            var below: Int64 = 0
            for (bound, count) in zip(Self.bucketsSeconds, value.buckets) {
                below += count
                lines.append("\(series.name)_bucket\(Self.braced(series.labels + ["le=\"\(Self.number(bound))\""])) \(below)")
            }
            lines.append("\(series.name)_bucket\(Self.braced(series.labels + ["le=\"+Inf\""])) \(value.count)")
            lines.append("\(series.name)_sum\(Self.braced(series.labels)) \(Self.number(value.sum))")
            lines.append("\(series.name)_count\(Self.braced(series.labels)) \(value.count)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func braced(_ labels: [String]) -> String { labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}" }

    private static func number(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf" }
        return Int64(exactly: value).map(String.init) ?? "\(value)"
    }

    /// Names have letters, digits and `_`, those of series `:` too, and begin with no digit.
    private static func plain(_ name: String, isSeries: Bool = false) -> String {
        let plain = String(
            name.unicodeScalars.map { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "_": Character(scalar)
                case ":" where isSeries: ":"
                default: "_"
                }
            })
        return plain.first.map { !$0.isNumber } ?? false ? plain : "_" + plain
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

/// One series, for whoever counts.
private final class Handler: CounterHandler, RecorderHandler, MeterHandler, TimerHandler {
    let metrics: PrometheusMetrics
    let series: PrometheusMetrics.Series
    let kind: PrometheusMetrics.Kind

    init(metrics: PrometheusMetrics, series: PrometheusMetrics.Series, kind: PrometheusMetrics.Kind) {
        self.metrics = metrics
        self.series = series
        self.kind = kind
    }

    func increment(by amount: Int64) { metrics.change(series, kind) { $0.sum += Double(amount) } }
    func reset() { metrics.change(series, kind) { $0.sum = 0 } }
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { metrics.change(series, kind) { $0.sum = value } }
    func set(_ value: Int64) { record(Double(value)) }
    func set(_ value: Double) { record(value) }
    func increment(by amount: Double) { metrics.change(series, kind) { $0.sum += amount } }
    func decrement(by amount: Double) { metrics.change(series, kind) { $0.sum -= amount } }

    func recordNanoseconds(_ duration: Int64) {
        let seconds = Double(duration) / 1_000_000_000
        metrics.change(series, kind) { value in
            value.sum += seconds
            value.count += 1
            if let index = PrometheusMetrics.bucketsSeconds.firstIndex(where: { seconds <= $0 }) { value.buckets[index] += 1 }
        }
    }
}
