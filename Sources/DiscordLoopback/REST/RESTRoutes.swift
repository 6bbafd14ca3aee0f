import NIOHTTP1

/// One entry of the route table.
struct RESTRoute: Sendable {
    typealias Handler = @Sendable (inout LoopbackState, APIRequest, Bot) -> APIResponse

    var method: String
    /// Path parts; `*` stands for an id.
    var pattern: [Substring]
    var bucket: BucketRule
    var handle: Handler

    init(_ method: String, _ path: String, _ bucket: BucketRule? = nil, _ handle: @escaping Handler) {
        self.method = method
        self.pattern = path.split(separator: "/")
        self.bucket = bucket ?? BucketRule("\(method) \(path)", 50, perSeconds: 10)
        self.handle = handle
    }

    func matches(_ path: [String]) -> Bool {
        path.count == pattern.count && zip(path, pattern).allSatisfy { $1 == "*" || $0 == $1 }
    }
}

extension RESTRoute {
    /// What is imitated. Limits other than that of sending are not documented; these are near what is seen.
    static let table: [RESTRoute] = [
        RESTRoute("GET", "gateway/bot", BucketRule("gateway", 10, perSeconds: 5)) { state, _, bot in state.gatewayBot(bot) },
        RESTRoute("GET", "users/@me") { state, _, bot in .ok(state.ownUserJSON(bot)) },
        RESTRoute("GET", "users/@me/guilds") { state, _, _ in state.ownGuilds() },
        RESTRoute("POST", "users/@me/channels", BucketRule("dm", 10, perSeconds: 10)) { $0.openDirect($1, $2) },
        RESTRoute("GET", "users/*") { state, request, _ in state.user(request.path[1]) },
        RESTRoute("GET", "oauth2/applications/@me") { state, _, bot in .ok(state.applicationJSON(bot)) },
        RESTRoute("GET", "applications/@me") { state, _, bot in .ok(state.applicationJSON(bot)) },
        RESTRoute("GET", "channels/*", BucketRule("channel", 50, perSeconds: 10)) { $0.getChannel($1, $2) },
        RESTRoute("PATCH", "channels/*", BucketRule("channel-edit", 5, perSeconds: 15)) { $0.patchChannel($1, $2) },
        RESTRoute("GET", "channels/*/messages", BucketRule("messages-list", 20, perSeconds: 5)) { $0.listMessages($1, $2) },
        RESTRoute("POST", "channels/*/messages", BucketRule("messages-create", 5, perSeconds: 5)) { $0.createMessage($1, $2) },
        RESTRoute("GET", "channels/*/messages/*", BucketRule("messages-get", 20, perSeconds: 5)) { $0.getMessage($1, $2) },
        RESTRoute("DELETE", "channels/*/messages/*", BucketRule("messages-delete", 5, perSeconds: 1)) {
            $0.deleteMessage($1, $2)
        },
        RESTRoute("POST", "channels/*/typing", BucketRule("typing", 5, perSeconds: 5)) { $0.typing($1, $2) },
        RESTRoute("PUT", "channels/*/thread-members/@me") { $0.joinThread($1, $2) },
        RESTRoute("GET", "guilds/*", BucketRule("guild", 10, perSeconds: 10)) { $0.inGuild($1, $2) { .ok($0.guildJSON($1)) } },
        RESTRoute("GET", "guilds/*/channels") { $0.inGuild($1, $2) { $0.guildChannels($1) } },
        RESTRoute("GET", "guilds/*/roles") { $0.inGuild($1, $2) { .ok(.array($1.roles.map(\.json))) } },
        RESTRoute("GET", "guilds/*/members") { $0.inGuild($1, $2) { $0.members(of: $1) } },
        RESTRoute("GET", "guilds/*/members/*") { state, request, bot in
            state.inGuild(request, bot) { $0.member(request.path[3], of: $1) }
        },
        RESTRoute("GET", "guilds/*/threads/active") { $0.inGuild($1, $2) { $0.activeThreads($1) } },
    ]
}

extension LoopbackState {
    /// Answers one API request: shields first, then who asks, then limits, then the route.
    mutating func answer(_ request: APIRequest) -> APIResponse {
        if let left = limiter.ban(limit: options.invalidRequestLimit, now: now) {
            return .cloudflare(429, "You are being rate limited (error 1015)", retryAfterSeconds: Int(left / 1_000_000_000) + 1)
        }
        if unavailable { return .error(503, 0, "503: Service Unavailable") }
        if let version = request.version, !LoopbackLimits.apiVersions.contains(version) {
            return .error(400, 50_041, "Invalid API version")
        }
        if options.checksUserAgent, !(request.headers.first(name: "User-Agent") ?? "").hasPrefix("DiscordBot (") {
            return .error(403, 40_333, "internal network error")
        }
        if request.method == "GET", request.path == ["gateway"] {
            return .ok(["url": .string("\(scheme.socket)://\(address)")])
        }
        let candidates = RESTRoute.table.filter { $0.matches(request.path) }
        guard !candidates.isEmpty else { return .notFound }
        guard let route = candidates.first(where: { $0.method == request.method }) else { return .methodNotAllowed }
        guard let bot = authenticate(request) else { return .unauthorized }
        return limited(request, route, bot)
    }

    private func authenticate(_ request: APIRequest) -> Bot? {
        guard let value = request.headers.first(name: "Authorization"), value.hasPrefix("Bot ") else { return nil }
        return bot(withToken: String(value.dropFirst(4)))
    }

    private mutating func limited(_ request: APIRequest, _ route: RESTRoute, _ bot: Bot) -> APIResponse {
        if let wait = limiter.admitGlobally(bot.token, limit: options.globalLimit, now: now), options.enforcesRateLimits {
            return rateLimited(request, scope: .global, retryAfterNanoseconds: wait)
        }
        var rule = route.bucket
        if rule.name == "messages-create" {
            rule = BucketRule(rule.name, options.messageLimit.requests, perSeconds: options.messageLimit.seconds)
        }
        let key = RateLimiter.Key(bucket: rule.name, major: request.major, who: bot.token)
        let standing = limiter.admit(key, rule, now: now)
        if !standing.admitted, options.enforcesRateLimits {
            var response = rateLimited(request, scope: .user, retryAfterNanoseconds: standing.resetAfterNanoseconds)
            response.headers += headers(of: standing)
            return response
        }
        var response = route.handle(&self, request, bot)
        response.headers += headers(of: standing)
        return response
    }

    /// The five headers of a bucket.
    func headers(of standing: RateLimiter.Standing) -> [(String, String)] {
        let wait = Double(standing.resetAfterNanoseconds) / 1e9
        return [
            ("X-RateLimit-Bucket", standing.rule.hash), ("X-RateLimit-Limit", String(standing.rule.requests)),
            ("X-RateLimit-Remaining", String(max(0, standing.remaining))),
            ("X-RateLimit-Reset", decimals(Double(time.wallMilliseconds()) / 1_000 + wait)),
            ("X-RateLimit-Reset-After", decimals(wait)),
        ]
    }

    /// A 429 as documented for its scope, without the bucket's headers.
    func rateLimited(_ request: APIRequest, scope: RateLimitScope, retryAfterNanoseconds: UInt64) -> APIResponse {
        let seconds = Double(retryAfterNanoseconds) / 1e9
        log.record(
            "rate_limited",
            [
                "req": JSON(request.number), "route": .string(request.route), "scope": .string(scope.rawValue),
                "retry_after": .double(seconds),
            ])
        let message = scope == .shared ? "The resource is being rate limited." : "You are being rate limited."
        var response = APIResponse(
            status: 429,
            body: .json([
                "message": .string(message), "retry_after": .double((seconds * 1_000).rounded(.up) / 1_000),
                "global": .bool(scope == .global),
            ]))
        response.headers = [
            ("Retry-After", String(Int(seconds.rounded(.up)))), ("X-RateLimit-Scope", scope.rawValue),
        ]
        if scope == .global { response.headers.append(("X-RateLimit-Global", "true")) }
        return response
    }

    private func decimals(_ seconds: Double) -> String {
        let milliseconds = Int64((seconds * 1_000).rounded(.up))
        let fraction = String(milliseconds % 1_000)
        return "\(milliseconds / 1_000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
    }
}

/// Whose limit a 429 speaks of.
public enum RateLimitScope: String, Sendable, CaseIterable {
    /// This bot's limit on this bucket.
    case user
    /// This bot's limit over all routes.
    case global
    /// The resource's limit, shared with others.
    case shared
}
