/// What is to be done with one HTTP request.
enum RequestPlan: Sendable {
    case reply(APIResponse, after: Duration?)
    case lose(APIResponse)
    case close
    case reset
    case hang
}

extension LoopbackState {
    /// Answers one API request, faults included.
    mutating func plan(_ request: APIRequest) -> RequestPlan {
        if let fault = take(request, [.dropRequest, .resetRequest, .hangRequest]) {
            switch fault.kind {
            case .dropRequest: return .close
            case .resetRequest: return .reset
            default: return .hang
            }
        }
        if let fault = take(
            request,
            [.rateLimit, .rateLimitPage, .status, .htmlError, .emptyReply, .garbageReply, .hugeReply])
        {
            let response = forged(fault, request)
            count(response)
            return .reply(response, after: nil)
        }
        let response = answer(request)
        count(response)
        guard (200..<300).contains(response.status) else { return .reply(response, after: nil) }
        if take(request, [.lostReply]) != nil { return .lose(response) }
        let slow = take(request, [.slowReply])
        return .reply(response, after: slow.map { $0.delay ?? .seconds(1) })
    }

    private mutating func take(_ request: APIRequest, _ kinds: Set<LoopbackFault.Kind>) -> LoopbackFault? {
        guard !faults.entries.isEmpty else { return nil }
        let fault = faults.take { fault in
            kinds.contains(fault.kind) && fault.method.map { $0 == request.method } ?? true
                && fault.route.map { $0 == request.route } ?? true && fault.channel.map { $0 == request.major } ?? true
        }
        if let fault {
            log.record("fault", ["req": JSON(request.number), "fault": .string(fault.kind.rawValue)])
        }
        return fault
    }

    private func forged(_ fault: LoopbackFault, _ request: APIRequest) -> APIResponse {
        switch fault.kind {
        case .rateLimit:
            var response = rateLimited(
                request, scope: fault.scope, retryAfterNanoseconds: UInt64(fault.retryAfterSeconds * 1e9))
            if let code = fault.code, case .json(var body) = response.body {
                body[key: "code"] = JSON(code)
                response.body = .json(body)
            }
            if fault.scope != .global {
                let rule = BucketRule("messages-create", options.messageLimit.requests, perSeconds: options.messageLimit.seconds)
                let standing = RateLimiter.Standing(
                    rule: rule, admitted: false, remaining: 0, resetAfterNanoseconds: UInt64(fault.retryAfterSeconds * 1e9))
                response.headers += headers(of: standing)
            }
            return response
        case .rateLimitPage:
            return .cloudflare(
                429, "You are being rate limited", retryAfterSeconds: Int(fault.retryAfterSeconds.rounded(.up)))
        case .status:
            return .error(fault.status ?? 500, fault.code ?? 0, fault.message ?? "\(fault.status ?? 500): fault on demand")
        case .htmlError: return .cloudflare(fault.status ?? 502, fault.message ?? "Bad Gateway")
        case .emptyReply: return APIResponse(status: fault.status ?? 200, body: .none)
        case .garbageReply:
            return APIResponse(status: 200, body: .bytes(Array("{\"id\":\"1".utf8), contentType: "application/json"))
        default:
            let body: JSON = ["id": "1", "padding": .string(String(repeating: "x", count: fault.bytes))]
            return .ok(body)
        }
    }

    /// Responses 401, 403 and 429 count towards the ban, those of scope `shared` excepted.
    private mutating func count(_ response: APIResponse) {
        guard [401, 403, 429].contains(response.status), !response.isFromCloudflare,
            !response.headers.contains(where: { $0 == ("X-RateLimit-Scope", "shared") })
        else { return }
        limiter.countInvalid(now: now)
    }
}
