import * as first from './migrations/0001-first.ts'
import * as replay from './migrations/0001-replay.ts'
import * as families from './migrations/0002-families.ts'
import * as replicas from './migrations/0003-replicas.ts'
import * as signingKeys from './migrations/0004-signing-keys.ts'
import * as agents from './migrations/0005-agents.ts'
import * as feed from './migrations/0006-feed.ts'
import * as familiesByAgent from './migrations/0009-families-by-agent.ts'
import * as stepUps from './migrations/0011-step-ups.ts'
import * as catalogue from './migrations/0012-catalogue.ts'

/** Of the data file, in order: a new one is added at the end. */
export const dataMigrations = [
  { name: '0001-first', statements: first.statements },
  { name: '0002-families', statements: families.statements },
  { name: '0003-replicas', statements: replicas.statements },
  { name: '0004-signing-keys', statements: signingKeys.statements },
  { name: '0005-agents', statements: agents.statements },
  { name: '0006-feed', statements: feed.statements },
  { name: '0009-families-by-agent', statements: familiesByAgent.statements },
  { name: '0011-step-ups', statements: stepUps.statements },
  { name: '0012-catalogue', statements: catalogue.statements },
]

/** Of the replay file. */
export const replayMigrations = [{ name: '0001-replay', statements: replay.statements }]
