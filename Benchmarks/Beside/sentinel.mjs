// What a gateway in Node does for the same: one JSON file, written and synced.
import { open } from "node:fs/promises";
const file = await open(process.argv[2], "w");
await file.writeFile(JSON.stringify({
  kind: "restart", ts: Date.now(), sessionKey: "agent:infra:discord:channel:1000000000000000900",
  message: "n".repeat(200), doctorHint: "x".repeat(200), stats: { mode: "restart", requiresRestart: true },
}));
await file.sync();
await file.close();
