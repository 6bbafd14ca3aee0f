import ControlServer
import CoreMetrics
import Foundation
import GatewayProtocol
import Testing
import WakeCore

@Suite("Counters, as Prometheus reads them", .timeLimit(.minutes(1)))
struct MetricsTests {
    /// One line of the text format: name, labels, value. A reader of its own, by the format's grammar.
    static func parse(_ text: String) -> [String: Double]? {
        guard text.hasSuffix("\n") else { return nil }
        let line = #/([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)*\})?) (\S+)/#
        var values: [String: Double] = [:]
        for text in text.split(separator: "\n") {
            if text.wholeMatch(of: #/# TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (counter|gauge|histogram)/#) != nil { continue }
            guard let match = text.wholeMatch(of: line), let value = Double(String(match.2).replacing("+Inf", with: "inf")),
                values.updateValue(value, forKey: String(match.1)) == nil
            else { return nil }
        }
        return values
    }

    @Test("counters, gauges and timers are printed by name, each with its kind once")
    func kinds() throws {
        let metrics = PrometheusMetrics()
        metrics.makeCounter(label: "b_total", dimensions: [("x", "2")]).increment(by: 3)
        metrics.makeCounter(label: "b_total", dimensions: [("x", "1")]).increment(by: 1)
        metrics.makeCounter(label: "b_total", dimensions: [("x", "1")]).increment(by: 1)
        let gauge = metrics.makeMeter(label: "a.gauge", dimensions: [])
        gauge.set(2.5)
        gauge.increment(by: 1)
        gauge.decrement(by: 0.25)
        #expect(
            metrics.text == """
                # TYPE a_gauge gauge
                a_gauge 3.25
                # TYPE b_total counter
                b_total{x="1"} 2
                b_total{x="2"} 3

                """)
    }

    @Test("a timer is a histogram of seconds, whose buckets add up, the bounds included")
    func histogram() throws {
        let metrics = PrometheusMetrics()
        let timer = metrics.makeTimer(label: "t_seconds", dimensions: [("m", "x")])
        for milliseconds in [1, 2, 25, 100, 1_000, 400_000] as [Int64] { timer.recordNanoseconds(milliseconds * 1_000_000) }
        let values = try #require(Self.parse(metrics.text))
        let buckets = ["0.001", "0.005", "0.025", "0.1", "0.5", "1", "5", "30", "300", "+Inf"]
        #expect(buckets.map { values["t_seconds_bucket{m=\"x\",le=\"\($0)\"}"] } == [1, 2, 3, 4, 4, 5, 5, 5, 5, 6])
        #expect(values["t_seconds_count{m=\"x\"}"] == 6)
        #expect(abs((values["t_seconds_sum{m=\"x\"}"] ?? 0) - 401.128) < 1e-9)
    }

    @Test("labels are escaped, and names are made plain")
    func escaping() throws {
        let metrics = PrometheusMetrics()
        metrics.makeCounter(label: "7 weird-name/ü", dimensions: [("lä:bel", "a\"b\\c\nd{},=é")]).increment(by: 1)
        #expect(metrics.text == "# TYPE _7_weird_name__ counter\n_7_weird_name__{l__bel=\"a\\\"b\\\\c\\nd{},=é\"} 1\n")
        #expect(Self.parse(metrics.text)?.count == 1)
    }

    @Test("values that are no numbers are printed as the format has them")
    func notNumbers() throws {
        let metrics = PrometheusMetrics()
        for (name, value) in [("a", Double.nan), ("b", .infinity), ("c", -.infinity), ("d", 1e300), ("e", -0.5)] {
            metrics.makeMeter(label: name, dimensions: []).set(value)
        }
        #expect(
            metrics.text.split(separator: "\n").filter { !$0.hasPrefix("#") } == [
                "a NaN", "b +Inf", "c -Inf", "d 1e+300", "e -0.5",
            ])
    }

    @Test("labels that others choose take bounded room, and what was known goes on counting")
    func bounded() throws {
        let metrics = PrometheusMetrics()
        let first = metrics.makeCounter(label: "n", dimensions: [("x", "0")])
        for number in 0..<PrometheusMetrics.maximumSeries + 500 {
            metrics.makeCounter(label: "n", dimensions: [("x", "\(number)")]).increment(by: 1)
        }
        first.increment(by: 1)
        let values = try #require(Self.parse(metrics.text))
        #expect(values.count == PrometheusMetrics.maximumSeries && values["n{x=\"0\"}"] == 2)
    }

    @Test("two kinds under one name are no trap: the first one counts")
    func kindsMixed() {
        let metrics = PrometheusMetrics()
        metrics.makeCounter(label: "n", dimensions: []).increment(by: 1)
        metrics.makeTimer(label: "n", dimensions: []).recordNanoseconds(1)
        metrics.makeTimer(label: "n", dimensions: [("x", "1")]).recordNanoseconds(1)
        #expect(metrics.text == "# TYPE n counter\nn 1\n")
    }

    // MARK: Over HTTP

    private func get(_ rig: ControlRig, _ path: String, _ headers: String = "") async throws -> String {
        let wire = try await Wire.connect(port: rig.port)
        try await wire.send(raw: Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(headers)\r\n".utf8))
        return await wire.http()
    }

    @Test("/metrics is served in the format that Prometheus reads")
    func served() async throws {
        let metrics = PrometheusMetrics()
        metrics.makeCounter(label: "calls_total", dimensions: [("method", "health")]).increment(by: 2)
        try await ControlRig.run(metrics: metrics) { rig in
            let answer = try await get(rig, "/metrics")
            #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("Content-Type: text/plain; version=0.0.4"))
            let body = try #require(answer.range(of: "\r\n\r\n").map { String(answer[$0.upperBound...]) })
            #expect(Self.parse(body) == ["calls_total{method=\"health\"}": 2])
        }
    }

    @Test(
        "/events needs the token",
        arguments: ["", "Authorization: Bearer sesamo\r\n", "Authorization: sesame\r\n", "Authorization: Basic sesame\r\n"])
    func noEvents(_ header: String) async throws {
        try await ControlRig.run { rig in
            let answer = try await get(rig, "/events", header)
            #expect(answer.hasPrefix("HTTP/1.1 401 ") && answer.contains("WWW-Authenticate: Bearer"))
        }
    }

    @Test("/events streams all news to who has the token, and ends with the server")
    func events() async throws {
        try await ControlRig.run { rig in
            let wire = try await Wire.connect(port: rig.port)
            try await wire.send(
                raw: Array("GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sesame\r\n\r\n".utf8))
            // The stream's first words: from here on it hears everything.
            await wire.waitUntilHeard(": reveille")
            rig.server.publish(GatewayEvent("news", payload: ["line": "a\nb"]))
            rig.server.publish(GatewayEvent("secret"))
            rig.server.stop(reason: "test")
            let text = await wire.http()
            #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("text/event-stream"))
            #expect(text.contains("event: news\ndata: {\"line\":\"a\\nb\"}\n\n") && text.contains("event: secret\ndata: {}\n\n"))
            #expect(text.contains("event: shutdown\ndata: {\"reason\":\"test\"}\n\n"))
        }
    }
}
