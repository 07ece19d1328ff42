import { describe, expect, test } from 'vitest'
import { hashed } from '#kernel'
import type { RevocationEntry } from '#revocation'
import { createServers, createStepUps, type NamedScope, type Server, type StepUpStore } from './index.ts'
import { type StepUpsDeps, TOOLS_MAX } from './step-ups.ts'

const crm: Server = {
  key: 'crm',
  name: 'Customers',
  url: 'https://crm.internal/mcp',
  mount: 'https://gw.example/crm/mcp',
  internal: false,
  upstream: { pattern: 'token_exchange' },
  credential: undefined,
  calls: {},
  scopes: { 'crm.read': 'Read', 'crm.pay': 'Pay' },
  tools: { 'pay_*': ['crm.read'], find: [] },
}
const scopes = (...tokens: readonly string[]) => new Set(tokens)

/** The table of what was named, and the feed beside it. */
function stepUpTable() {
  const rows: (NamedScope & { readonly server: string })[] = []
  const feed: RevocationEntry[] = []
  const isThere = (server: string, { tool, scope }: NamedScope) =>
    rows.some((row) => row.server === server && row.tool === tool && row.scope === scope)
  const table = {
    rows,
    feed,
    reads: 0,
    writes: 0,
    down: undefined as Error | undefined,
    async namedAt(server: string) {
      table.reads++
      if (table.down !== undefined) throw table.down
      return rows.filter((row) => row.server === server)
    },
    async add(server: string, named: readonly NamedScope[], entry: RevocationEntry) {
      table.writes++
      if (table.down !== undefined) throw table.down
      const fresh = named.filter((one) => !isThere(server, one))
      rows.push(...fresh.map((row) => ({ ...row, server })))
      if (fresh.length > 0) feed.push(entry)
      return fresh.length > 0
    },
  } satisfies StepUpStore & Record<string, unknown>
  return table
}

/** One process at a table. It hears of the others when the test lets it read the feed. */
function replicaAt(table: ReturnType<typeof stepUpTable>) {
  const listeners: Parameters<StepUpsDeps['revocation']['listen']>[0][] = []
  const hear = (entry: RevocationEntry) => {
    for (const { heard } of listeners) heard(entry)
  }
  const revocation: StepUpsDeps['revocation'] = {
    listen(listener) {
      listeners.push(listener)
      return () => {}
    },
    entry: (kind, id) => ({ kind, idHash: hashed(id), at: 1, expiresAt: 2 }),
    learn: hear,
  }
  return {
    stepUps: createStepUps({ store: table, servers: createServers([crm]), revocation }),
    readFeed: () => table.feed.forEach(hear),
    missEntries: () => {
      for (const { missed } of listeners) missed()
    },
  }
}

function setUp() {
  const table = stepUpTable()
  return { table, ...replicaAt(table) }
}

describe('what a tool names in a step-up', () => {
  test('goes with its next calls, and with those of no other tool', async () => {
    const { stepUps } = setUp()
    expect(await stepUps.accept(crm, 'pay_bill', scopes('crm.pay'))).toBe(true)
    expect(await stepUps.named(crm, 'pay_bill')).toEqual(scopes('crm.pay'))
    expect(await stepUps.named(crm, 'pay_rent')).toEqual(scopes())
    expect(await stepUps.named(crm, 'find')).toEqual(scopes())
  })

  test.each([
    ['another server', ['notes.read']],
    ['an API', ['payroll.pay']],
    ['nobody', ['crm.admin']],
    ['the authorization server', ['offline_access']],
    ['every object', ['constructor']],
    ['nobody, beside one of its own', ['crm.pay', 'crm.admin']],
  ])('is refused as a whole where one is a scope of %s', async (_, named) => {
    const { stepUps, table } = setUp()
    expect(await stepUps.accept(crm, 'pay_bill', new Set(named))).toBe(false)
    expect(await stepUps.named(crm, 'pay_bill')).toEqual(scopes())
    expect(table.writes).toBe(0)
  })

  test('is refused of a tool that the catalogue does not know', async () => {
    const { stepUps, table } = setUp()
    for (const tool of ['charge', 'PAY_bill', 'pay_bill ', '__proto__'])
      expect(await stepUps.accept(crm, tool, scopes('crm.pay'))).toBe(false)
    expect(table.writes).toBe(0)
  })

  test('is written once, however often it is named', async () => {
    const { stepUps, table } = setUp()
    for (let times = 0; times < 3; times++) await stepUps.accept(crm, 'pay_bill', scopes('crm.pay'))
    expect(table.writes).toBe(1)
    expect(table.feed).toMatchObject([{ kind: 'tool_scopes', idHash: hashed('crm') }])
  })

  test('adds to what it named before', async () => {
    const { stepUps } = setUp()
    await stepUps.accept(crm, 'pay_bill', scopes('crm.pay'))
    await stepUps.accept(crm, 'pay_bill', scopes('crm.read'))
    expect(await stepUps.named(crm, 'pay_bill')).toEqual(scopes('crm.pay', 'crm.read'))
  })

  test('goes with no call any more once the server has no such scope', async () => {
    const { stepUps } = setUp()
    await stepUps.accept(crm, 'pay_bill', scopes('crm.pay'))
    expect(await stepUps.named({ ...crm, scopes: { 'crm.read': 'Read' } }, 'pay_bill')).toEqual(scopes())
  })

  test('is read once, then remembered', async () => {
    const { stepUps, table } = setUp()
    await Promise.all([1, 2, 3].map(() => stepUps.named(crm, 'find')))
    await stepUps.named(crm, 'pay_bill')
    expect(table.reads).toBe(1)
  })

  test('is known to another replica once it has read the feed', async () => {
    const { stepUps, table } = setUp()
    const other = replicaAt(table)
    expect(await other.stepUps.named(crm, 'pay_bill')).toEqual(scopes())
    await stepUps.accept(crm, 'pay_bill', scopes('crm.pay'))
    expect(await other.stepUps.named(crm, 'pay_bill')).toEqual(scopes())
    other.readFeed()
    expect(await other.stepUps.named(crm, 'pay_bill')).toEqual(scopes('crm.pay'))
  })

  test('is known to a replica that is told of it before the feed does', async () => {
    const { stepUps, table } = setUp()
    const other = replicaAt(table)
    await other.stepUps.named(crm, 'pay_bill')
    await stepUps.accept(crm, 'pay_bill', scopes('crm.pay'))
    expect(await other.stepUps.accept(crm, 'pay_bill', scopes('crm.pay'))).toBe(true)
    expect(await other.stepUps.named(crm, 'pay_bill')).toEqual(scopes('crm.pay'))
    expect(table.feed).toHaveLength(1)
  })

  test('is read anew where entries of the feed may have been missed', async () => {
    const { stepUps, table, missEntries } = setUp()
    await stepUps.named(crm, 'pay_bill')
    table.rows.push({ server: 'crm', tool: 'pay_bill', scope: 'crm.pay' })
    expect(await stepUps.named(crm, 'pay_bill')).toEqual(scopes())
    missEntries()
    expect(await stepUps.named(crm, 'pay_bill')).toEqual(scopes('crm.pay'))
  })

  test('is told to nobody as long as it could not be written or read', async () => {
    const { stepUps, table } = setUp()
    table.down = new Error('down')
    await expect(stepUps.named(crm, 'pay_bill')).rejects.toThrow('down')
    await expect(stepUps.accept(crm, 'pay_bill', scopes('crm.pay'))).rejects.toThrow('down')
    table.down = undefined
    expect(await stepUps.named(crm, 'pay_bill')).toEqual(scopes())
  })

  test('is remembered of so many tools and no more: the answer is the same', async () => {
    const { stepUps, table } = setUp()
    for (let n = 0; n < TOOLS_MAX; n++) table.rows.push({ server: 'crm', tool: `pay_${n}`, scope: 'crm.pay' })
    expect(await stepUps.accept(crm, 'pay_bill', scopes('crm.pay'))).toBe(true)
    expect(table.writes).toBe(0)
    expect(await stepUps.accept(crm, 'pay_1', scopes('crm.read'))).toBe(true)
    expect(table.writes).toBe(1)
  })
})
