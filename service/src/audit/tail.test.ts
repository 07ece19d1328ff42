import { describe, expect, test } from 'vitest'
import { formatLine } from './audit-line.ts'
import { call, exchange, opened, START } from './audit.fixture.ts'
import { KEPT_BYTES_MAX } from './personal.ts'

const ok = { status: 'ok', milliseconds: 12 } as const
const denied = { effect: 'deny' } as const

describe('the tail of the log', () => {
  test('shows a call as one line: who, by which agent, what, with which inputs, how it ended', async () => {
    const { audit } = await opened()
    audit.outcome(await audit.decide(call()), ok)
    const [line, ...more] = await audit.tail({ limit: 10 })
    expect(more).toEqual([])
    expect(line).toEqual({
      ref: 'r1-1',
      time: '2026-11-24T12:00:00.000Z',
      kind: 'call',
      user: 'u1',
      username: 'alice',
      agent: 'demo-agent',
      server: 'crm',
      method: 'tools/call',
      tool: 'find_customer',
      api: undefined,
      arguments: { name: 'Acme' },
      unopenable: false,
      inputsTooLarge: false,
      decision: 'permit',
      rule: 'policies[1]',
      outcome: 'ok',
      reason: undefined,
      scopes: ['crm.read'],
      chain: [{ iss: 'https://gw.example', sub: 'demo-agent' }],
      txn: 'txn-1',
      grant: 'grant-1',
      milliseconds: 12,
    })
  })

  test('shows refused calls, exchanges, grants and sign-ins, the newest last', async () => {
    const { audit } = await opened()
    const user = { id: 'u2', username: 'bob' }
    const grant = { user, agent: 'a', grant: 'g' }
    await audit.event({ kind: 'sign_in', user, provider: 'demo', session: 's', acr: 'pwd' })
    await audit.event({
      kind: 'grant_given',
      ...grant,
      version: 1,
      mounts: { crm: ['crm.read', 'crm.write'] },
    })
    await audit.decide(call({ user, policy: denied, reason: 'gateway.scope_missing' }))
    await audit.exchange(exchange({ user }))
    await audit.exchange(exchange({ user, policy: denied, issued: undefined }))
    await audit.event({ kind: 'grant_revoked', ...grant, by: 'operator' })
    await audit.event({ kind: 'exchange_refused', client: 'crm', reason: 'broker.target_unknown' })
    expect(await audit.tail({ limit: 10 })).toMatchObject([
      { kind: 'sign_in', username: 'bob', outcome: 'recorded' },
      { kind: 'grant_given', scopes: ['crm:crm.read', 'crm:crm.write'], grant: 'g' },
      { kind: 'call', decision: 'deny', outcome: 'denied', reason: 'gateway.scope_missing' },
      { kind: 'exchange', api: 'payroll', outcome: 'issued', username: 'bob', arguments: undefined },
      { kind: 'exchange', decision: 'deny', outcome: 'denied' },
      { kind: 'grant_revoked', reason: 'by operator' },
      {
        kind: 'exchange_refused',
        user: undefined,
        server: 'crm',
        outcome: 'denied',
        reason: 'broker.target_unknown',
      },
    ])
  })

  test('pages back to the first record without a line lost, repeated or parted from its outcome', async () => {
    const { audit } = await opened()
    const first = await audit.decide(call({ txn: 'txn-0' }))
    for (let i = 1; i < 50; i += 1) audit.outcome(await audit.decide(call({ txn: `txn-${i}` })), ok)
    audit.outcome(first, ok)
    const seen: string[] = []
    for (let before: string | undefined; ;) {
      const lines = await audit.tail({ limit: 7, before })
      if (lines.length === 0) break
      expect(new Set(lines.map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
      seen.unshift(...lines.map(({ txn }) => txn ?? ''))
      before = lines[0]?.ref
    }
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => `txn-${i}`))
  })

  test('of an empty log is empty', async () => {
    const { audit } = await opened()
    expect(await audit.tail({ limit: 5 })).toEqual([])
  })

  test.each(['r1-', 'r1-0', 'other-1', '1', 'r1-1e3', ''])('before %j is refused', async (before) => {
    const { audit } = await opened()
    await expect(audit.tail({ limit: 5, before })).rejects.toMatchObject({ code: 'audit.ref_unknown' })
  })

  test('is shown though nothing can be written', async () => {
    const { audit, store } = await opened()
    audit.outcome(await audit.decide(call()), ok)
    store.trouble = 'refuses'
    expect(await audit.tail({ limit: 5 })).toMatchObject([{ txn: 'txn-1', outcome: 'pending' }])
  })

  test('of a log that cannot be read says so', async () => {
    const { audit, store } = await opened()
    store.bundles.last = () => Promise.reject(new Error('connection lost'))
    await expect(audit.tail({ limit: 5 })).rejects.toMatchObject({ code: 'audit.unreadable' })
  })
})

describe('personal values', () => {
  test('of an erased user are gone; the lines and the other users’ values stay', async () => {
    const { audit, shred } = await opened()
    await audit.decide(call())
    await audit.decide(call({ user: { id: 'u2', username: 'bob' } }))
    shred('u1')
    const lines = await audit.tail({ limit: 5 })
    expect(lines).toMatchObject([
      { user: 'u1', username: undefined, arguments: undefined, unopenable: true, tool: 'find_customer' },
      { user: 'u2', username: 'bob', unopenable: false },
    ])
    expect(formatLine(lines[0] ?? fail())).toContain('(inputs erased or changed)')
  })

  test('of one record do not open in another, not even of the same user and day', async () => {
    const { audit, store } = await opened()
    await audit.decide(call({ user: { id: 'u1', username: 'old name' } }))
    await audit.decide(call({ user: { id: 'u1', username: 'new name' } }))
    const [one, two] = [store.rows.get('r1/1') ?? fail(), store.rows.get('r1/2') ?? fail()]
    const [sealedOne, sealedTwo] = store.records().map(({ sealed }) => Buffer.from(sealed ?? fail()))
    store.rows.set('r1/1', { ...one, body: replaced(one.body, sealedOne ?? fail(), sealedTwo ?? fail()) })
    store.rows.set('r1/2', { ...two, body: replaced(two.body, sealedTwo ?? fail(), sealedOne ?? fail()) })
    expect(await audit.tail({ limit: 5 })).toMatchObject([{ unopenable: true }, { unopenable: true }])
  })

  test('that are not those the record names are not shown', async () => {
    const { audit, store, vault } = await opened()
    await audit.decide(call({ arguments: { n: 1 } }))
    const [record] = store.records()
    const partition = 'u1/2026-11-24'
    const seal = await vault.sealer({ purpose: 'audit', user: 'u1', partition })
    const key = {
      purpose: 'audit',
      record: 'r1-1',
      field: 'personal',
      version: 1,
      user: 'u1',
      partition,
    } as const
    const forged = seal(key, Buffer.from(JSON.stringify({ username: 'alice', arguments: { n: 2 } })))
    const row = store.rows.get('r1/1') ?? fail()
    store.rows.set('r1/1', {
      ...row,
      body: replaced(row.body, Buffer.from(record?.sealed ?? fail()), forged),
    })
    expect(await audit.tail({ limit: 5 })).toMatchObject([{ unopenable: true, arguments: undefined }])
  })

  test('that were cut out of a record are missed', async () => {
    const { audit, store } = await opened()
    await audit.decide(call())
    const row = store.rows.get('r1/1') ?? fail()
    const sealed = Buffer.from(store.records()[0]?.sealed ?? fail())
    const cut = Buffer.concat([row.body.slice(0, row.body.length - sealed.length - 4), Buffer.alloc(4)])
    store.rows.set('r1/1', { ...row, body: cut })
    expect(await audit.tail({ limit: 5 })).toMatchObject([{ unopenable: true }])
  })

  test('are sealed under a key of the day they were written on', async () => {
    let now = START
    const { audit, vault } = await opened({ time: { now: () => now } })
    const partitions: string[] = []
    const sealer = vault.sealer.bind(vault)
    vault.sealer = (of) => {
      partitions.push(of.partition)
      return sealer(of)
    }
    await audit.decide(call())
    now += 12 * 3600 * 1000
    await audit.decide(call())
    expect(partitions).toEqual(['u1/2026-11-24', 'u1/2026-11-25'])
    expect(await audit.tail({ limit: 5 })).toMatchObject([{ username: 'alice' }, { username: 'alice' }])
  })
})

describe('inputs too large to keep', () => {
  const sized = (bytes: number) => ({ text: 'x'.repeat(bytes - '{"text":""}'.length) })
  const { deny, permit } = KEPT_BYTES_MAX

  test.each([
    ['refused', denied, deny],
    ['permitted', { effect: 'permit', rule: 'r' } as const, permit],
  ])('of a %s call are not in the log, and the line says so', async (_, policy, max) => {
    const { audit, store, shred } = await opened()
    await audit.decide(call({ policy, arguments: sized(max) }))
    await audit.decide(call({ policy, arguments: sized(max + 1) }))
    const lines = await audit.tail({ limit: 5 })
    expect(lines).toMatchObject([
      { arguments: sized(max), inputsTooLarge: false, unopenable: false },
      { arguments: undefined, inputsTooLarge: true, unopenable: false, username: 'alice' },
    ])
    expect(formatLine(lines[1] ?? fail())).toContain('(inputs too large to keep)')
    expect(store.rows.get('r1/2')?.body.length).toBeLessThan(2000)
    const [kept, notKept] = store.records().map(({ record }) => record)
    expect(kept).not.toHaveProperty('argumentsKept')
    expect(notKept).toMatchObject({ argumentsKept: false, argumentsHmac: expect.any(String) as string })
    shred('u1')
    expect(formatLine((await audit.tail({ limit: 1 }))[0] ?? fail())).toContain('(inputs too large to keep)')
  })

  test('are not missed where the user has no name either', async () => {
    const { audit } = await opened()
    await audit.decide(call({ user: { id: 'u1' }, policy: denied, arguments: sized(deny + 1) }))
    expect(await audit.tail({ limit: 1 })).toMatchObject([{ inputsTooLarge: true, unopenable: false }])
  })

  test.each(['tool', 'method'])('may not come as the name of a %s instead', async (member) => {
    const { audit, store } = await opened()
    await audit.decide(call({ policy: denied, [member]: `${'x'.repeat(255)}${'😀'.repeat(1_000_000)}` }))
    expect(store.rows.get('r1/1')?.body.length).toBeLessThan(2000)
    expect(await audit.tail({ limit: 1 })).toMatchObject([{ [member]: `${'x'.repeat(255)}...` }])
  })
})

describe('a line for a person', () => {
  test('names user, agent, server, tool, inputs and outcome', async () => {
    const { audit } = await opened()
    audit.outcome(await audit.decide(call()), ok)
    await audit.decide(call({ policy: denied, tool: 'delete_customer' }))
    await audit.exchange(exchange())
    expect((await audit.tail({ limit: 5 })).map(formatLine)).toEqual([
      '2026-11-24T12:00:00.000Z r1-1 alice (u1) by agent demo-agent calls crm.find_customer - permit by policies[1] -> ok in 12 ms {"name":"Acme"}',
      '2026-11-24T12:00:00.000Z r1-3 alice (u1) by agent demo-agent calls crm.delete_customer - deny by default -> denied {"name":"Acme"}',
      '2026-11-24T12:00:00.000Z r1-4 alice (u1) by agent demo-agent exchange: crm asks for payroll - permit by policies[1] -> issued [crm.read]',
    ])
  })

  test('names the sub-agents that the agent handed to, and neither the gateway nor the server among them', async () => {
    const { audit } = await opened()
    await audit.decide(call())
    const [line = fail()] = await audit.tail({ limit: 1 })
    const agents = ['fetcher', 'researcher', 'demo-agent'].map((sub) => ({ iss: 'https://gw.example', sub }))
    const gateway = { iss: 'https://gw.example', sub: 'https://gw.example/crm/mcp', client_id: 'gateway' }
    for (const chain of [agents, [{ iss: 'https://gw.example', sub: 'crm' }, gateway, ...agents]])
      expect(formatLine({ ...line, chain })).toContain(
        ' by agent demo-agent through researcher through fetcher calls ',
      )
  })

  test('says how it ended however long the inputs and the names are, and that they were cut', async () => {
    const { audit } = await opened()
    const long = 'x'.repeat(40_000)
    await audit.decide(call({ arguments: { text: long } }))
    await audit.decide(call({ tool: long, policy: denied, reason: 'gateway.tool_unknown' }))
    await audit.decide(
      call({ tool: undefined, method: long, policy: denied, user: { id: 'u1', username: long } }),
    )
    await audit.exchange(exchange({ scopes: Array.from({ length: 1000 }, (_, i) => `scope-${i}`) }))
    const lines = (await audit.tail({ limit: 5 })).map(formatLine)
    expect(lines[0]).toMatch(
      / - permit by policies\[1\] -> pending \{"text":"x+\.\.\. \(cut: 40011 characters\)$/,
    )
    expect(lines[1]).toMatch(
      / calls crm\."x{128}\.\.\." - deny by default -> denied \(gateway\.tool_unknown\) \{/,
    )
    expect(lines[2]).toContain(' - deny by default -> denied ')
    expect(lines[3]).toMatch(/ -> issued \[scope-0 .*\.\.\. \(cut: \d+ characters\)$/)
    for (const line of lines) expect(line.length).toBeLessThan(2040)
  })

  test('names a tool, a user or an agent quoted when it could pass for a verdict', async () => {
    const { audit } = await opened()
    const forged = 'x - permit by policies[0] -> ok "'
    const names = { tool: forged, agent: forged, user: { id: 'u1', username: forged } }
    await audit.decide(call({ ...names, policy: denied }))
    await audit.decide(call({ tool: undefined, method: 'tools/list', arguments: undefined, policy: denied }))
    const [line, list] = (await audit.tail({ limit: 2 })).map(formatLine)
    const quoted = /"(?:[^"\\]|\\.)*"/g
    expect(
      line
        ?.match(quoted)
        ?.slice(0, 3)
        .map((text) => JSON.parse(text) as string),
    ).toEqual([forged, forged, forged])
    expect(line?.replaceAll(quoted, '_').match(/->/g)).toEqual(['->'])
    expect(list).toContain(' calls crm.tools/list - deny by default -> denied (no inputs)')
  })

  test('cannot be forged or broken by what it shows', async () => {
    const { audit } = await opened()
    const nasty = 'x\n2026 forged \u001b[2J\u009b\u202e\u2028'
    await audit.decide(
      call({ tool: nasty, agent: nasty, arguments: { nasty }, user: { id: 'u1', username: nasty } }),
    )
    const [line] = await audit.tail({ limit: 1 })
    expect(formatLine(line ?? fail())).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  })
})

function replaced(body: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array {
  const at = Buffer.from(body).indexOf(from)
  expect(from.length).toBe(to.length)
  return Buffer.concat([body.slice(0, at), to, body.slice(at + from.length)])
}

function fail(): never {
  throw new Error('the test found nothing')
}
