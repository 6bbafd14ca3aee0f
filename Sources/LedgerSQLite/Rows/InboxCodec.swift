import Foundation
import WakeCore
import WakeService

/// Items of the inbox as JSON. Printed by hand, because a short-lived command line writes them; read with patience, because an
/// older or newer program may have written them.
enum InboxCodec {
    /// The version of the form; a reader refuses a higher one.
    static let version: Int64 = 1

    /// The epoch that stands for "the daemon has never run", so that its first start fires what was written before.
    static let noEpoch = "none"

    static func text(_ item: InboxItem) throws(WakeError) -> String {
        var object: JSONObject = ["version": .integer(version)]
        switch item {
        case .request(let request): object["request"] = json(request)
        case .command(let command): object["command"] = json(command)
        case .job(let order): object["job"] = try json(order)
        case .unreadable:
            throw WakeError(
                .invalidRequest, "an unreadable item can't be put into the inbox", hint: "Put a request or a command.")
        }
        return JSONValue.object(object).text
    }

    private static func json(_ request: RestartRequest) -> JSONValue {
        var object: JSONObject = [
            "id": .string(request.id.description), "session": .string(request.session.description), "note": .string(request.note),
            "target": .string(request.target.description), "delayMicroseconds": .integer(request.delay.wholeMicroseconds),
            "performedByUs": .bool(request.performedByUs), "owes": .array(request.owes.sorted().map { .string($0.rawValue) }),
            "uid": .integer(Int64(request.requester.uid)), "pid": .integer(Int64(request.requester.pid)),
            "requestedAt": json(request.requestedAt),
        ]
        if let route = request.route { object["route"] = .string(route.description) }
        // An older program reads a message as a wake that was asked for, which is next to it.
        if request.origin != .requested { object["origin"] = .string(request.origin.rawValue) }
        if let command = request.command {
            object["command"] = [
                "arguments": .array(command.arguments.map { .string($0) }), "directory": .string(command.directory),
            ]
        }
        switch request.epoch {
        case .token(let token): object["epoch"] = ["token": .string(token)]
        case .startedAt(let boot, let start):
            object["epoch"] = ["boot": .string(boot.description), "startMicroseconds": .integer(start)]
        case nil: break
        }
        return .object(object)
    }

    private static func json(_ order: JobOrder) throws(WakeError) -> JSONValue {
        switch order {
        case .add(let job):
            guard let text = try? BodyCodec().text(job), let value = try? JSONValue.parse(text: text) else {
                throw WakeError(
                    .invalidRequest, "the job \(job.id) can't be written down", hint: "Check its name and its message.")
            }
            return ["add": value]
        case .remove(let id): return ["remove": .string(id.description)]
        case .run(let id): return ["run": .string(id.description)]
        }
    }

    private static func json(_ moment: Moment) -> JSONValue {
        [
            "wallMilliseconds": .integer(moment.wallMilliseconds), "boot": .string(moment.boot.description),
            "boottimeMicroseconds": .integer(moment.boottimeMicroseconds), "clockSynchronised": .bool(moment.clockSynchronised),
        ]
    }

    private static func json(_ command: OperatorCommand) -> JSONValue {
        switch command {
        case .cancelSentinel(let id): ["cancelSentinel": .string(id.description)]
        case .cancelWake(let id): ["cancelWake": .string(id.description)]
        case .retryWake(let id): ["retryWake": .string(id.description)]
        case .markDelivered(let id): ["markDelivered": .string(id.description)]
        case .cancelTurn(let id): ["cancelTurn": .string(id.description)]
        }
    }

    // MARK: Reading

    /// Reads an item; what can't be read comes back as such, with the reason. The epoch is the target's, in force when the row was
    /// written, for writers that named none.
    static func item(_ text: String, epoch: Epoch?) -> InboxItem {
        do {
            let document = try JSONValue.parse(text: text)
            let written = document["version"]?.integer ?? 0
            guard written <= version else { return .unreadable(reason: "a newer version wrote it (\(written), not \(version))") }
            if let request = document["request"] { return .request(try self.request(request, epoch)) }
            if let command = document["command"], let read = self.command(command) { return .command(read) }
            if let job = document["job"] { return .job(try self.job(job)) }
            return .unreadable(reason: "it is neither a request nor a command that this version knows")
        } catch let fault as JSONError {
            return .unreadable(reason: "it is not JSON: \(fault)")
        } catch let fault as Unreadable {
            return .unreadable(reason: "'\(fault.field)' is missing or not valid")
        } catch {
            return .unreadable(reason: String(describing: error))
        }
    }

    private struct Unreadable: Error { let field: String }

    private static func need<Value>(_ field: String, _ value: Value?) throws(Unreadable) -> Value {
        guard let value else { throw Unreadable(field: field) }
        return value
    }

    private static func request(_ json: JSONValue, _ epoch: Epoch?) throws -> RestartRequest {
        let kinds = try need("owes", json["owes"]?.array).map {
            try need("owes", $0.string.flatMap(DeliveryKind.init(rawValue:)))
        }
        var request = RestartRequest(
            id: try need("id", json["id"]?.string.flatMap { Identifier($0) }),
            session: try SessionKey(try need("session", json["session"]?.string)),
            note: try need("note", json["note"]?.string),
            target: try need("target", json["target"]?.string.flatMap { RestartTarget($0) }),
            delay: .microseconds(try need("delayMicroseconds", json["delayMicroseconds"]?.integer)),
            performedByUs: try need("performedByUs", json["performedByUs"]?.bool),
            epoch: epoch, owes: Set(kinds),
            requester: .init(
                uid: try need("uid", json["uid"]?.integer.flatMap { UInt32(exactly: $0) }),
                pid: try need("pid", json["pid"]?.integer.flatMap { Int32(exactly: $0) })),
            requestedAt: try moment(try need("requestedAt", json["requestedAt"])))
        if let origin = json["origin"] {
            request.origin = try need("origin", origin.string.flatMap(Sentinel.Origin.init(rawValue:)))
        }
        if let route = json["route"] { request.route = try need("route", route.string.flatMap { Route($0) }) }
        if let command = json["command"] { request.command = try self.execCommand(command) }
        if let own = json["epoch"] { request.epoch = try self.epoch(own) }
        return request
    }

    private static func job(_ json: JSONValue) throws -> JobOrder {
        if let job = json["add"] {
            return .add(try need("job", try? BodyCodec().value(Job.self, Data(job.text.utf8), of: "a job")))
        }
        if let id = json["remove"]?.string { return .remove(try need("remove", Identifier(id))) }
        return .run(try need("run", json["run"]?.string.flatMap { Identifier($0) }))
    }

    private static func execCommand(_ json: JSONValue) throws(Unreadable) -> RestartRequest.Command {
        let arguments = try need("arguments", json["arguments"]?.array).compactMap(\.string)
        return RestartRequest.Command(arguments: arguments, directory: try need("directory", json["directory"]?.string))
    }

    private static func moment(_ json: JSONValue) throws(Unreadable) -> Moment {
        Moment(
            wallMilliseconds: try need("wallMilliseconds", json["wallMilliseconds"]?.integer),
            boot: BootID(try need("boot", json["boot"]?.string)),
            boottimeMicroseconds: try need("boottimeMicroseconds", json["boottimeMicroseconds"]?.integer),
            clockSynchronised: try need("clockSynchronised", json["clockSynchronised"]?.bool))
    }

    private static func epoch(_ json: JSONValue) throws(Unreadable) -> Epoch {
        if let token = json["token"]?.string { return .token(token) }
        return .startedAt(
            boot: BootID(try need("boot", json["boot"]?.string)),
            microseconds: try need("startMicroseconds", json["startMicroseconds"]?.integer))
    }

    private static func command(_ json: JSONValue) -> OperatorCommand? {
        func id(_ field: String) -> Identifier? { json[field]?.string.flatMap { Identifier($0) } }
        if let id = id("cancelSentinel") { return .cancelSentinel(id) }
        if let id = id("cancelWake") { return .cancelWake(id) }
        if let id = id("retryWake") { return .retryWake(id) }
        if let id = id("markDelivered") { return .markDelivered(id) }
        if let id = json["cancelTurn"]?.string.flatMap({ DeliveryID($0) }) { return .cancelTurn(id) }
        return nil
    }
}
