/// The document's JSON Schema (draft 2020-12), as `reveille run schema` prints it and docs/runstate.schema.json has it.
extension RunState {
    /// The schema, with an end of line.
    public static let schema = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "title": "Run state",
          "description": "The checkpoint of one operation. Unknown fields are kept as they are.",
          "type": "object",
          "required": ["opId", "pending"],
          "properties": {
            "opId": {"type": "string", "minLength": 1, "maxLength": 4096, "description": "The operation's name."},
            "goal": {"type": "string", "maxLength": 4096, "description": "What is to be reached."},
            "plan": {"type": "array", "maxItems": 1000, "items": {"type": "string"}, "description": "The steps, in order."},
            "nextStep": {"type": "integer", "minimum": 0, "maximum": 1001, "description": "The step that is next, from 1; one more than there are steps where all are done."},
            "pending": {"type": "boolean", "description": "Whether the operation goes on."},
            "session": {"type": "string", "maxLength": 512, "description": "The key of the session that works on it; needed while it is pending, here or as context.sessionKey."},
            "context": {
              "type": "object",
              "description": "What was noted for later.",
              "properties": {
                "sessionKey": {"type": "string", "maxLength": 512},
                "targetDiscord": {"type": "string", "description": "Where people are told of it, such as channel:1234."},
                "notes": {"type": "string"}
              }
            },
            "progressLog": {"type": "array", "items": {"type": "string"}, "description": "What was done, oldest first."}
          },
          "examples": [
            {
              "opId": "2026-03-07T16:53:00Z-config-patch",
              "goal": "Discord answers in threads",
              "plan": ["1) look at the configuration", "2) write the patch", "3) patch it: the gateway restarts", "4) try it", "5) report"],
              "nextStep": 4,
              "pending": true,
              "session": "agent:main:discord:channel:1234567890",
              "context": {"targetDiscord": "channel:1234567890", "notes": "the hash before was 3f9c"},
              "progressLog": ["2026-03-07T16:53:00Z begun", "2026-03-07T16:58:12Z step 3 done"]
            }
          ]
        }

        """
}
