import CSystemd
import WakeCore

/// What libsystemd calls, on the thread of the loop.
extension BusLoop {
    static let answerCame: sd_bus_message_handler_t = { message, context, _ in
        guard let message, let context else { return 0 }
        let waiter = Unmanaged<Waiting>.fromOpaque(context).takeUnretainedValue()
        guard waiter.loop.takeUnretainedValue().waiting.removeValue(forKey: ObjectIdentifier(waiter)) != nil else { return 0 }
        waiter.call.end { answer(message) }
        return 0
    }

    static let ruleAnswered: sd_bus_message_handler_t = { message, context, _ in
        guard let message, let context, case .failure(let error) = answer(message) else { return 0 }
        // Not from here: libsystemd is in the middle of its work.
        Unmanaged<BusLoop>.fromOpaque(context).takeUnretainedValue().refusal = "a rule was refused: \(error)"
        return 0
    }

    /// Rule: D-Bus specification, `org.freedesktop.DBus.RequestName`: 1 is ours now, 4 was ours before.
    static let nameAnswered: sd_bus_message_handler_t = { message, context, _ in
        guard let message, let context else { return 0 }
        let loop = Unmanaged<BusLoop>.fromOpaque(context).takeUnretainedValue()
        guard let name = loop.name else { return 0 }
        switch answer(message) {
        case .success(let values):
            if values.first?.integer != 1, values.first?.integer != 4 {
                loop.tell(.nameRefused(name, reason: "another program has it"))
            }
        case .failure(let error): loop.tell(.nameRefused(name, reason: "\(error)"))
        }
        return 0
    }

    private static func answer(_ message: OpaquePointer) -> Result<[BusValue], BusError> {
        if sd_bus_message_is_method_error(message, nil) > 0, let error = sd_bus_message_get_error(message) {
            let words = error.pointee.message.map { String(cString: $0) } ?? "no reason given"
            return .failure(BusError(name: error.pointee.name.map { String(cString: $0) } ?? "", message: words))
        }
        do {
            return .success(try BusMessage.read(message))
        } catch {
            return .failure(error)
        }
    }

    static let signalCame: sd_bus_message_handler_t = { message, context, _ in
        guard let message, let context, let arguments = try? BusMessage.read(message) else { return 0 }
        Unmanaged<BusLoop>.fromOpaque(context).takeUnretainedValue().tell(
            .signal(
                BusSignal(
                    path: text(sd_bus_message_get_path(message)), interface: text(sd_bus_message_get_interface(message)),
                    member: text(sd_bus_message_get_member(message)), arguments: arguments)))
        return 0
    }

    static let requestCame: sd_bus_message_handler_t = { message, context, _ in
        guard let message, let context,
            let objects = Unmanaged<BusLoop>.fromOpaque(context).takeUnretainedValue().objects
        else { return 0 }
        let request = BusObjects.Request(
            path: text(sd_bus_message_get_path(message)), interface: text(sd_bus_message_get_interface(message)),
            member: text(sd_bus_message_get_member(message)), arguments: (try? BusMessage.read(message)) ?? [])
        switch objects.answer(request) {
        case .unknown: return 0
        case .reply(let values): return reply(to: message, values)
        case .error(let error): return fail(message, error)
        }
    }

    private static func reply(to call: OpaquePointer, _ values: [BusValue]) -> Int32 {
        var reply: OpaquePointer?
        guard sd_bus_message_new_method_return(call, &reply) >= 0, let reply else { return 0 }
        defer { sd_bus_message_unref(reply) }
        guard (try? BusMessage.append(values, to: reply)) != nil else { return -EINVAL }
        return sd_bus_send(nil, reply, nil) < 0 ? -EIO : 1
    }

    private static func fail(_ call: OpaquePointer, _ error: BusError) -> Int32 {
        error.name.withCString { name in
            error.message.withCString { words in
                var value = sd_bus_error(name: name, message: words, _need_free: 0)
                var reply: OpaquePointer?
                guard sd_bus_message_new_method_error(call, &reply, &value) >= 0, let reply else { return 0 }
                defer { sd_bus_message_unref(reply) }
                return sd_bus_send(nil, reply, nil) < 0 ? -EIO : 1
            }
        }
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
}
