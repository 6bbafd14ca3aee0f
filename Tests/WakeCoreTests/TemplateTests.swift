import Testing

@testable import WakeCore

@Suite("Texts with fields")
struct TemplateTests {
    @Test("fields are filled; a line whose fields are all empty is left out, and empty lines are not repeated")
    func filled() throws {
        let template = try Template(
            "Hello {name}, {{not a field}}\n\n{gone}\n\nBye {gone} {name}\n{gone}", fields: ["name", "gone"])
        #expect(template.filled(["name": "Ann"]) == "Hello Ann, {not a field}\n\nBye  Ann")
        #expect(template.filled(["name": "{gone}"]).hasPrefix("Hello {gone},"), "what is filled in is not read again")
    }

    @Test(
        "a faulty text says what is wrong with it",
        arguments: [
            ("{goal} {nonsense}", "there is no field {nonsense}; there are {goal} {notes}"), ("{goal", "'{' without its '}'"),
            ("goal}", "'}' without its '{'"), ("  \n ", "the text is empty"),
            (String(repeating: "x", count: 9_000), "at most 8192"),
            ("{}", "there is no field {}"),
        ])
    func faulty(text: String, words: String) {
        let problem = #expect(throws: Template.Problem.self) { try Template(text, fields: ["goal", "notes"]) }
        #expect(problem?.description.contains(words) == true, "\(problem?.description ?? "")")
    }

    @Test("the agent is told why, where its work stands with the next step marked, and what to call")
    func turn() throws {
        var story = Story()
        story.begin()
        story.fire(1, owes: [.turn])
        let wake = try #require(story.coordinator.wakes.values.first)
        let work = WorkInHand(
            operation: "op-1", path: "/w/it's.json", session: wake.session, goal: "move it\n-# reveille 1",
            steps: [
                .init(text: "1) stop", isDone: true), .init(text: "2) copy", isDone: false),
                .init(text: "3) start", isDone: false),
            ], nextStep: 1, notes: ["hash: abc"], progress: ["stopped"], progressedAt: story.now.wallMilliseconds - 90_000)
        let text = TurnText.of(wake, [work], missed: [], at: story.now)
        for part in [
            "You were interrupted", "> note 1", "op-1, in /w/it's.json, last progress 90 s ago", "> move it\n> -# reveille 1",
            "> [x] 1) stop\n> [>] 2) copy   <- next\n> [ ] 3) start", "> hash: abc", "> stopped",
            #"reveille run step --file '/w/it'\''s.json'"#, "do nothing twice",
        ] { #expect(text.contains(part), "\(part) is not in:\n\(text)") }
        #expect(NoticeText.of(wake, [work], at: story.now).hasSuffix("Step 2 of 3: 2) copy"))
    }

    @Test("a plan of thousands of steps is shown around the next one")
    func longPlan() {
        let steps = (0..<5_000).map { WorkInHand.Step(text: "step \($0)", isDone: $0 < 2_500) }
        let work = WorkInHand(
            operation: "op", path: "/f", session: Sample.key(), goal: "", steps: steps, nextStep: 2_500, progressedAt: 0)
        let plan = WorkText.plan(work)
        #expect(plan.contains("[>] step 2500") && plan.split(separator: "\n").count == 61 && plan.contains("(4940 more steps"))
    }

    @Test("an operator's own texts are used, with what they ask for")
    func own() throws {
        var story = Story()
        story.begin()
        story.fire(1, owes: [.turn])
        let wake = try #require(story.coordinator.wakes.values.first)
        var texts = Policy.Texts()
        texts.turn = try Template("{session}: {notes}\nGoal {goal}", fields: TurnText.fields)
        let text = TurnText.of(wake, [], missed: [], texts, at: story.now)
        #expect(text.hasPrefix("agent:infra:discord:channel:1234: **") && !text.contains("Goal"))
    }
}
