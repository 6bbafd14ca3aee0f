import ReveilleConfiguration
import Testing

@Suite("What is wrong with a configuration")
struct ProblemsTests {
    @Test("everything wrong in all layers is told at once, with place, path and what to do")
    func allAtOnce() throws {
        let scratch = try Scratch()
        let dropIn = try scratch.write("reveille.d/a.json5", "{ log: { levl: 'debug' } }")
        let broken = try scratch.write("reveille.d/b.json5", "{ log: { level: debug } }")
        let text = """
            {
              restart: { defaultDelay: "11min", maxLate: 5 },
              gate: { escalate_after: "1min" },
              log: { level: "verbose", level: "info" },
              discord: { accounts: { "Bad Name": {} } },
            }
            """
        let problems = try scratch.problems(
            text, ["REVEILLE_LOG_LEVLE": "debug", "REVEILLE_LOOP_GUARD_WAKES": "many"], set: ["nothing=1", "log=1"])
        let main = scratch.path + "/reveille.json5"
        let wanted: [(code: ConfigurationProblem.Code, text: String, hint: String)] = [
            (.duplicateKey, "\(main):4:28: log.level is given twice; the first is in line 4", "keep one of them"),
            (
                .badValue, "\(main):2:28: restart.defaultDelay: \"11min\" is out of range: 0s to 10min",
                "give a duration from 0s to 10min"
            ),
            (
                .badValue, "\(main):2:46: restart.maxLate: 5 is a duration and needs a unit",
                "write \"5s\" for seconds, or with ms, min, h or d, in quotes"
            ),
            (.unknownKey, "\(main):3:11: gate.escalate_after: there is no such key", "did you mean gate.escalateAfter?"),
            (
                .badValue,
                "\(main):4:17: log.level: \"verbose\" must be one of trace, debug, info, notice, warning, error, critical",
                "use one of these words"
            ),
            (.badValue, "\(main):5:26: discord.accounts.\"Bad Name\": \"Bad Name\" is no name for an account", "use 1 to 32"),
            (.unknownKey, "\(dropIn):1:10: log.levl: there is no such key", "did you mean log.level?"),
            (.notJSON5, "\(broken):1:17: a value should stand here, and there is 'd'", "text must be in quotes"),
            (.unknownKey, "environment REVEILLE_LOG_LEVLE: there is no such setting", "did you mean REVEILLE_LOG_LEVEL?"),
            (
                .badValue, "environment REVEILLE_LOOP_GUARD_WAKES: loopGuard.wakes: \"many\" must be a whole number",
                "give a number from 1 to 100"
            ),
            (.unknownKey, "flag --set: nothing: there is no such key", "the keys here are"),
            (.unknownKey, "flag --set: log: is not a key that has a value", "its keys are log.format, log.level"),
        ]
        #expect(problems.count == wanted.count)
        for (problem, wanted) in zip(problems, wanted) {
            #expect(problem.code == wanted.code)
            #expect(problem.description.hasPrefix(wanted.text), "\(problem)")
            #expect(problem.hint?.hasPrefix(wanted.hint) == true, "\(problem.hint ?? "")")
        }
    }

    @Test("problems are printed as Error and Try, numbered if they are several")
    func rendering() {
        let one = ConfigurationProblem(
            .unknownKey, origin: .flag("--set"), path: "a.b", message: "there is no such key", hint: "did you mean a.c?")
        #expect("\(ConfigurationProblems(one))" == "Error: flag --set: a.b: there is no such key\nTry: did you mean a.c?")
        var two = ConfigurationProblems(one)
        two.append(ConfigurationProblem(.notJSON5, message: "no"))
        #expect(
            "\(two)" == """
                Error: the configuration has 2 problems:
                  1. flag --set: a.b: there is no such key
                  2. no
                Try:
                  1. did you mean a.c?
                """)
    }

    @Test("of very many problems the first hundred are listed and the rest counted")
    func many() throws {
        let text = "{" + (0..<5_000).map { "k\($0): 1," }.joined() + "}"
        let problems = ConfigurationLoader.check(Array(text.utf8), name: "x")
        #expect(problems.list.count == 100)
        #expect(problems.unlistedCount == 4_900)
        #expect("\(problems)".contains("… and 4900 more"))
    }

    @Test(
        "a wrong value is refused with the reason",
        arguments: [
            ("{ log: 'debug' }", "must be an object, and this is a string"),
            ("{ log: { level: 5 } }", "must be one word, in quotes"),
            ("{ log: { level: null } }", "must be one word, in quotes"),
            ("{ log: { level: '' } }", "must be one word, not empty"),
            ("{ log: { level: 'degub' } }", "must be one of"), ("{ loopGuard: { wakes: 0 } }", "0 is out of range: 1 to 100"),
            ("{ loopGuard: { wakes: 2.5 } }", "2.5 must be a whole number"),
            ("{ loopGuard: { wakes: '3' } }", "must be a whole number, without quotes"),
            ("{ loopGuard: { wakes: Infinity } }", "Infinity must be a whole number"),
            ("{ loopGuard: { wakes: NaN } }", "NaN must be a whole number"),
            ("{ delivery: { backoffFactor: NaN } }", "NaN is out of range: 1 to 10"),
            ("{ delivery: { backoffFactor: Infinity } }", "is out of range"),
            ("{ target: { settle: '-1s' } }", "is negative"), ("{ target: { settle: '5 apples' } }", "unknown unit"),
            ("{ target: { settle: true } }", "in quotes"),
            ("{ ledger: { retention: '1h' } }", "is out of range: 1d to 3650d"),
            ("{ ledger: { directory: 'state' } }", "is not an absolute path"),
            ("{ ledger: { directory: '/a\\u0000b' } }", "is no path"), ("{ routes: { fallback: 'channel:1' } }", "is no route"),
            ("{ routes: { fallback: 'discord:opz/channel:1' } }", "there is no channel \"discord:opz\""),
            ("{ routes: { fallback: 'slack:default/channel:1' } }", "there is no channel \"slack:default\""),
            ("{ sessions: { 'a b': { route: 'discord:default/channel:1' } } }", "has blanks"),
            ("{ sessions: { '': {} } }", "is empty"),
            ("{ discord: { accounts: { default: { apiBase: 'http://discord.com/api' } } } }", "plain text to another machine"),
            ("{ discord: { accounts: { default: { apiBase: 'discord.com' } } } }", "is no address"),
            ("{ discord: { accounts: { default: { allowedMentions: 'users' } } } }", "must be a list of words"),
            ("{ discord: { accounts: { default: { allowedMentions: ['users', 5] } } } }", "must be a list of words"),
            ("{ discord: { accounts: { default: { allowedMentions: ['user'] } } } }", "\"user\", which must be one of"),
            ("{ discord: { accounts: { default: { allowedMentions: ['users', 'users'] } } } }", "names a word twice"),
            ("{ discord: { accounts: { default: { tokenEnvironment: 'A B' } } } }", "is no name of an environment variable"),
            ("{ delivery: { backoffBase: '1min', backoffCap: '1s' } }", "is longer than delivery.backoffCap"),
            ("{ discord: { accounts: { a: { tokenFile: '/x', tokenEnvironment: 'X' } } } }", "is set, and so is tokenFile"),
            ("[]", "a configuration is an object, and this is a list"),
            ("'x'", "a configuration is an object, and this is a string"),
            ("{ a: ", "a value should stand here"), ("{ \"ledger.directory\": '/x' }", "there is no such key"),
        ])
    func values(text: String, reason: String) throws {
        let problems = try Scratch().problems(text)
        #expect(problems.count == 1, "\(problems)")
        #expect(problems.first?.description.contains(reason) == true, "\(problems)")
        #expect(problems.first?.origin != nil)
    }

    @Test(
        "an unknown key is answered with what was probably meant",
        arguments: [
            ("{ legder: {} }", "did you mean ledger?"), ("{ ledger: { dirctory: 1 } }", "did you mean ledger.directory?"),
            ("{ settle: '5s' }", "did you mean target.settle?"),
            ("{ 'ledger.directory': '/x' }", "keys are nested here: write ledger: { directory: … }"),
            ("{ discord: { acounts: {} } }", "did you mean discord.accounts?"),
            ("{ log: { colour: 1 } }", "the keys here are format, level"),
            ("{ discord: { accounts: { ops: { tokenfile: '/x' } } } }", "did you mean discord.accounts.ops.tokenFile?"),
        ])
    func nearest(text: String, hint: String) throws {
        #expect(try Scratch().problems(text).map(\.hint) == [hint])
    }

    @Test("a file that is not UTF-8 is refused with the byte and the line")
    func notUTF8() throws {
        let problems = ConfigurationLoader.check(
            Array("{\n log: {\n  level: '".utf8) + [0xE9, 0x27, 0x7D, 0x7D], name: "/etc/x.json5")
        #expect(problems.list.map(\.code) == [.notUTF8])
        #expect(problems.list.first?.description == "/etc/x.json5:3:11: byte 20 (0xE9) is not UTF-8")
        #expect(problems.exitStatus == 78)
    }

    @Test("a flag without an equals sign is refused")
    func flags() {
        #expect(throws: ConfigurationProblem.self) { try ConfigurationOverride(parsing: "log.level") }
        #expect(throws: Never.self) {
            let override = try ConfigurationOverride(parsing: "sessions.\"a=b\".route=x=y")
            #expect(override.path == "sessions.\"a=b\".route")
            #expect(override.value == "x=y")
        }
    }
}
