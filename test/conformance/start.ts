/** What the suite starts: waits for its turn before anything that costs is loaded. */
import { GATE, turn } from './gate.ts'

await turn(process.env[GATE])
await import('./client.ts')
