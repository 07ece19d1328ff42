import * as first from './migrations/0001-first.ts'
import * as replay from './migrations/0001-replay.ts'
import * as agents from './migrations/0005-agents.ts'

/** In order, by name too: a new one is added at the end. Each has the name of its twin on SQLite. */
export const migrations = [
  { name: '0001-first', statements: first.statements },
  { name: '0001-replay', statements: replay.statements },
  { name: '0005-agents', statements: agents.statements },
]
