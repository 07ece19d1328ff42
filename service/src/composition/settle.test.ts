import { FEED_STALE_MS } from '@tetrapod/protocol'
import { expect, test } from 'vitest'
import { hashed } from '#kernel'
import type { CatalogueEnds, CatalogueRow, Standing } from '#revocation'
import { type Change, settle, type SettleDeps } from './settle.ts'

const NOW = 1_800_000_000_000
const ISSUER = 'https://gw.example'
const planner = { kind: 'agent', id: 'planner' }
const robot = { kind: 'agent', id: 'robot' }
const crm = (of: string): readonly Standing[] => [
  { kind: 'server', id: 'crm', of },
  { kind: 'server', id: `${ISSUER}/crm/mcp`, of },
]
const settled = (digest: string, ...standing: readonly Standing[]) => ({ digest, standing })
const change = (
  before: Change['before'],
  after: Change['after'],
  strangers: readonly string[] = [],
): Change => ({
  before,
  after,
  strangers: async () => strangers,
})

/** What a change meets: the row, and all it writes. */
function place(row?: CatalogueRow) {
  const written: { readonly row: CatalogueRow; readonly ends: CatalogueEnds }[] = []
  const records: object[] = []
  const amended: unknown[] = []
  const state = { row, lost: [] as CatalogueRow[], down: false, unrecorded: false }
  const deps = {
    issuer: ISSUER,
    clock: { now: () => NOW },
    storage: {
      accounts: {
        bySubject: async (issuer: string, subject: string) =>
          issuer === ISSUER && subject !== 'nobody' ? { id: `account of ${subject}` } : undefined,
      },
      catalogue: {
        read: async () => state.row,
        async replace(row: CatalogueRow, ends: CatalogueEnds) {
          if (state.down) throw new Error('down')
          const other = state.lost.shift()
          if (other !== undefined) {
            state.row = other
            return false
          }
          written.push({ row, ends })
          state.row = row
          return true
        },
      },
    },
    revocation: {
      entry: (kind: string, id: string) => ({ kind, idHash: hashed(id), at: NOW, expiresAt: NOW }),
    },
    audit: {
      async event(input: object) {
        if (state.unrecorded) throw new Error('unrecorded')
        records.push(input)
        return 'ref'
      },
      amend: (_ref: string, amendment: object) => void amended.push(amendment),
    },
  } as unknown as SettleDeps
  const kinds = () =>
    written.flatMap(({ ends }) => ends.entries.map(({ kind, idHash }) => `${kind} ${idHash}`))
  return { deps, state, written, records, amended, kinds }
}
const named = (kind: string, id: string) => `${kind} ${hashed(id)}`
const rowOf = (digest: string, at: number, ...standing: readonly Standing[]): CatalogueRow => ({
  version: 3,
  digest,
  standing,
  at,
})

test('the first start of all writes the row, ends nothing and is no change', async () => {
  const { deps, written, records, kinds } = place()
  await settle(change(undefined, settled('a', planner)), deps)
  expect(written[0]?.row).toEqual({ version: 1, digest: 'a', standing: [planner], at: NOW })
  expect([kinds(), records]).toEqual([[], []])
})

test('a start with what there was writes nothing', async () => {
  const { deps, written, records } = place(rowOf('a', 1, planner))
  await settle(change(undefined, settled('a', planner)), deps)
  expect([written, records]).toEqual([[], []])
})

test('a start ends what the row had, with its logins, and records it', async () => {
  const { deps, written, records, kinds } = place(rowOf('a', 1, planner, robot))
  const { entries, removed } = await settle(change(undefined, settled('b', planner)), deps)
  expect(kinds()).toEqual([named('agent', 'robot')])
  expect(entries).toHaveLength(1)
  expect(removed).toEqual(['agent robot'])
  expect(written[0]?.ends.agents).toEqual(['robot'])
  expect(written[0]?.row.version).toBe(4)
  expect(records).toEqual([
    { kind: 'catalogue_changed', before: 'a', after: 'b', added: [], removed: ['agent robot'] },
  ])
})

test('an edit that another replica made a moment ago is ended by its entries, and one that it made before by ours', async () => {
  const edit = change(settled('a', planner, robot), settled('b', planner))
  const fresh = place(rowOf('b', NOW - FEED_STALE_MS + 1, planner))
  await settle(edit, fresh.deps)
  expect(fresh.kinds()).toEqual([])
  expect(fresh.records).toHaveLength(1)
  const late = place(rowOf('b', NOW - FEED_STALE_MS, planner))
  await settle(edit, late.deps)
  expect(late.kinds()).toEqual([named('agent', 'robot')])
})

test('an edit ends what this replica had although the row of another says nothing of it', async () => {
  const { deps, kinds } = place(rowOf('c', NOW, planner))
  await settle(change(settled('a', planner, robot), settled('b', planner)), deps)
  expect(kinds()).toEqual([named('agent', 'robot')])
})

test('a place that another took is taken after it, with what it left', async () => {
  const { deps, state, written, kinds, records } = place(rowOf('a', 1, planner))
  state.lost = [{ ...rowOf('c', NOW, planner, robot), version: 4 }]
  await settle(change(settled('a', planner), settled('b', planner)), deps)
  expect(written[0]?.row).toMatchObject({ version: 5, digest: 'b' })
  expect(kinds()).toEqual([named('agent', 'robot')])
  expect(records).toHaveLength(1)
})

test('a server at another address ends under its key and its mount, and keeps its logins', async () => {
  const { deps, written, kinds } = place(rowOf('a', 1, ...crm('https://old.example')))
  await settle(change(undefined, settled('b', ...crm('https://new.example'))), deps)
  expect(kinds()).toEqual([named('server', 'crm'), named('server', `${ISSUER}/crm/mcp`)])
  expect(written[0]?.ends.servers).toEqual([])
})

test('a user ends with sessions and logins, one with another id elsewhere without; the record names neither', async () => {
  const before = [
    { kind: 'user', id: 'alice' },
    { kind: 'user', id: 'nobody' },
    { kind: 'user', id: 'bob' },
    { kind: 'linked', id: 'bob', of: 'corp 1' },
  ]
  const { deps, written, kinds, records } = place(rowOf('a', 1, ...before))
  const after = settled('b', { kind: 'user', id: 'bob' }, { kind: 'linked', id: 'bob', of: 'corp 2' })
  await settle(change(undefined, after), deps)
  expect(kinds()).toEqual([named('user', 'account of alice'), named('user', 'account of bob')])
  expect(written[0]?.ends.accounts).toEqual(['account of alice'])
  expect(JSON.stringify(records)).not.toMatch(/alice|bob/)
})

test.each([
  ['a host', { kind: 'host', id: 'claude.ai' }],
  ['a way to register', { kind: 'registration', id: 'dynamic' }],
])('%s that is gone ends those agents whom nothing lets in any more', async (_, gone) => {
  const { deps, kinds, written } = place(rowOf('a', 1, planner, gone))
  await settle(change(undefined, settled('b', planner), ['dyn_1']), deps)
  expect(kinds()).toEqual([named('agent', 'dyn_1')])
  expect(written[0]?.ends.agents).toEqual(['dyn_1'])
  const nothingGone = place(rowOf('a', 1, planner))
  await settle(change(undefined, settled('b', planner, gone), ['dyn_1']), nothingGone.deps)
  expect(nothingGone.kinds()).toEqual([])
})

test('what cannot be put on record does not happen; what fails after it is corrected there', async () => {
  const silent = place(rowOf('a', 1, planner, robot))
  silent.state.unrecorded = true
  await expect(settle(change(undefined, settled('b', planner)), silent.deps)).rejects.toThrow('unrecorded')
  expect(silent.written).toEqual([])
  const down = place(rowOf('a', 1, planner, robot))
  down.state.down = true
  await expect(settle(change(undefined, settled('b', planner)), down.deps)).rejects.toThrow('down')
  expect(down.amended).toEqual([{ status: 'unknown', reason: 'http.internal' }])
})
