import * as first from './migrations/0001-first.ts'
import * as replay from './migrations/0001-replay.ts'
import * as agents from './migrations/0005-agents.ts'

/** Of the data file, in order: a new one is added at the end. */
export const dataMigrations = [
  { name: '0001-first', statements: first.statements },
  { name: '0005-agents', statements: agents.statements },
]

/** Of the replay file. */
export const replayMigrations = [{ name: '0001-replay', statements: replay.statements }]
