import Testing
import WakeCore

@Suite("Placeholders of commands")
struct TurnPlaceholderTests {
    @Test("a placeholder is a whole argument; one that there is not, or within other text, is told with what to do")
    func problems() {
        #expect(TurnPlaceholder(argument: "{textFile}") == .textFile)
        #expect(TurnPlaceholder.problem(of: "{sesionKey}")?.hint.contains("{sessionKey}") == true)
        #expect(TurnPlaceholder.problem(of: "--session={sessionKey}")?.message.contains("within other text") == true)
        for argument in ["{sessionKey}", "{\"a\": 1}", "{}", "{", "", "{two words}", "plain", "{text"] {
            #expect(TurnPlaceholder.problem(of: argument) == nil, "\(argument)")
            #expect((TurnPlaceholder(argument: argument) == nil) == (argument != "{sessionKey}"))
        }
    }
}
