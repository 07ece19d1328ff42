import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Json, Secret } from '#kernel'
import type { Sealed } from '#vault'
import { decodeBundle, encodeBundle, readBundle } from './bundle.ts'
import { parseRecord } from './parse-record.ts'
import { argumentsHmac, weighInputs } from './personal.ts'
import { canonicalText, decisionRecord, eventRecord, exchangeRecord, outcomeRecord } from './record.ts'
import { call, exchange, opened, START } from './audit.fixture.ts'

const key = new Secret<Uint8Array>(Buffer.alloc(32, 7))
const weighed = weighInputs(call().arguments, 'permit', key)
const head = { replica: 'r1', sequence: 1, time: START }
const unreadable = expect.objectContaining({ code: 'audit.bundle_unreadable' })

describe('canonical bytes', () => {
  test('of a decision stay as they are', () => {
    expect(canonicalText(decisionRecord(head, call(), weighed))).toBe(
      '{"agent":"demo-agent","argumentsHmac":"9TFgN4WBun0jyfINIIQ1UbxWLq5aGpYG3FttEZOw8c0","audience":"https://crm.internal/mcp",' +
        '"chain":[{"iss":"https://gw.example","sub":"demo-agent"}],"client":"demo-agent","grant":"grant-1",' +
        '"kind":"decision","method":"tools/call","pattern":"token_exchange",' +
        '"policy":{"effect":"permit","rule":"policies[1]"},"protocolVersion":"2026-07-28","replica":"r1",' +
        '"scopes":["crm.read"],"sequence":1,"server":"crm","time":1795521600000,' +
        '"token":"Ldh561DaF32FSvP7KSdo8PDgwbLsBw4EOEpEe9M1VQU","tool":"find_customer","txn":"txn-1","user":{"id":"u1"}}',
    )
  })

  test('of the other kinds stay as they are', () => {
    const user = { id: 'u1', username: 'alice' }
    const grant = { user, agent: 'a', grant: 'g' }
    const records = [
      exchangeRecord(head, exchange()),
      outcomeRecord(head, 9, { status: 'error', reason: '-32603', milliseconds: 1.5 }),
      eventRecord(head, { kind: 'grant_given', ...grant, version: 2, mounts: { crm: ['crm.read'] } }),
      eventRecord(head, {
        kind: 'grant_given',
        ...grant,
        version: 3,
        mounts: { crm: ['crm.read'] },
        delegates: { crm: { a: ['b'] } },
        calls: { crm: { payroll: { 'crm.read': ['payroll.read'] } } },
        expiresAt: { crm: START },
      }),
      eventRecord(head, { kind: 'grant_revoked', ...grant, by: 'operator' }),
      eventRecord(head, { kind: 'sign_in', user, provider: 'demo', session: 's', acr: 'pwd' }),
      eventRecord(head, { kind: 'sign_out', user, session: 's', by: 'user' }),
      eventRecord(head, { kind: 'sign_out', user, by: 'operator' }),
    ]
    expect(records.map(canonicalText)).toEqual([
      '{"agent":"demo-agent","api":"payroll","audience":"https://crm.internal/mcp",' +
        '"chain":[{"iss":"https://gw.example","sub":"demo-agent"}],"client":"crm","grant":"grant-1",' +
        '"issued":"I21f_6DKoP2UlmoMEXXaNhBeKeK4QKnPDRQAF4FcLN4","kind":"exchange","pattern":"token_exchange",' +
        '"policy":{"effect":"permit","rule":"policies[1]"},"replica":"r1","scopes":["crm.read"],"sequence":1,' +
        '"server":"crm","time":1795521600000,"token":"Ldh561DaF32FSvP7KSdo8PDgwbLsBw4EOEpEe9M1VQU","txn":"txn-1",' +
        '"user":{"id":"u1"}}',
      '{"decision":9,"kind":"outcome","milliseconds":1.5,"reason":"-32603","replica":"r1","sequence":1,"status":"error","time":1795521600000}',
      '{"agent":"a","grant":"g","kind":"grant_given","mounts":{"crm":["crm.read"]},"replica":"r1","sequence":1,"time":1795521600000,"user":{"id":"u1"},"version":2}',
      '{"agent":"a","calls":{"crm":{"payroll":{"crm.read":["payroll.read"]}}},"delegates":{"crm":{"a":["b"]}},"expiresAt":{"crm":1795521600000},' +
        '"grant":"g","kind":"grant_given","mounts":{"crm":["crm.read"]},"replica":"r1","sequence":1,"time":1795521600000,"user":{"id":"u1"},"version":3}',
      '{"agent":"a","by":"operator","grant":"g","kind":"grant_revoked","replica":"r1","sequence":1,"time":1795521600000,"user":{"id":"u1"}}',
      '{"acr":"pwd","kind":"sign_in","provider":"demo","replica":"r1","sequence":1,"session":"s","time":1795521600000,"user":{"id":"u1"}}',
      '{"by":"user","kind":"sign_out","replica":"r1","sequence":1,"session":"s","time":1795521600000,"user":{"id":"u1"}}',
      '{"by":"operator","kind":"sign_out","replica":"r1","sequence":1,"time":1795521600000,"user":{"id":"u1"}}',
    ])
    for (const record of records)
      expect(parseRecord(Buffer.from(canonicalText(record)))).toEqual(clean(record))
  })

  test('hold nothing but the members of their kind, whatever else the caller hands over', () => {
    const wide = {
      ...call(),
      authorization: 'canary',
      chain: [{ iss: 'i', sub: 's', extra: 'canary' }],
      policy: { effect: 'permit', rule: 'r', detail: 'canary' } as const,
      user: { id: 'u1', username: 'canary', mail: 'canary' },
      arguments: { secret: 'canary' },
      jti: 'canary',
    }
    expect(canonicalText(decisionRecord(head, wide, weighed))).not.toContain('canary')
    expect(canonicalText(exchangeRecord(head, { ...wide, api: 'a', issued: 'canary' }))).not.toContain(
      'canary',
    )
  })
})

describe('the HMAC of the inputs', () => {
  test('is one for equal inputs, whatever the order of their members', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (inputs) => {
        const reversed = Object.fromEntries(Object.entries(inputs).reverse())
        expect(argumentsHmac(key, reversed as Json)).toBe(argumentsHmac(key, inputs as Json))
      }),
      { numRuns: 50 },
    )
  })

  test('differs for different inputs and under another key, so that short inputs cannot be guessed', () => {
    const other = new Secret<Uint8Array>(Buffer.alloc(32, 8))
    expect(argumentsHmac(key, { pin: 1 })).not.toBe(argumentsHmac(key, { pin: 2 }))
    expect(argumentsHmac(key, { pin: 1 })).not.toBe(argumentsHmac(other, { pin: 1 }))
  })
})

describe('a bundle', () => {
  const record = (sequence: number, sealed?: Uint8Array) => ({
    canonical: Buffer.from(canonicalText(decisionRecord({ ...head, sequence }, call(), weighed))),
    salt: Buffer.alloc(16, sequence),
    sealed: sealed as Sealed | undefined,
  })
  const body = encodeBundle([record(1), record(2, Buffer.from('sealed')), record(3)])

  test('stays as it is, byte for byte', () => {
    const canonical = Buffer.from('{}')
    const sealed = Buffer.of(9) as unknown as Sealed
    const bytes = encodeBundle([
      { canonical, salt: Buffer.alloc(16, 1), sealed: undefined },
      { canonical, salt: Buffer.alloc(16, 2), sealed },
    ])
    expect(Buffer.from(bytes).toString('hex')).toBe(
      [
        '01',
        '00000002',
        '00000002',
        '7b7d',
        '01'.repeat(16),
        '00000000',
        '00000002',
        '7b7d',
        '02'.repeat(16),
      ].join('') + '0000000109',
    )
  })

  test('reads back as it was written', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(fc.array(fc.option(bytes, { nil: undefined }), { maxLength: 5 }), (sealed) => {
        const records = sealed.map((each, i) => record(i + 1, each))
        const decoded = decodeBundle(encodeBundle(records))
        expect(decoded.map(({ canonical, salt, sealed }) => ({ canonical, salt, sealed })).map(hex)).toEqual(
          records.map(hex),
        )
      }),
      { numRuns: 30 },
    )
  })

  test('cut short or longer by any number of bytes does not open', () => {
    for (let length = 0; length < body.length; length += 1) {
      expect(() => decodeBundle(body.slice(0, length))).toThrow(unreadable)
    }
    expect(() => decodeBundle(Buffer.concat([body, Buffer.alloc(1)]))).toThrow(unreadable)
  })

  test('of another format, or with records removed, swapped or repeated, does not open', () => {
    expect(() => decodeBundle(Buffer.concat([Buffer.of(2), body.slice(1)]))).toThrow(unreadable)
    for (const order of [
      [1, 3],
      [2, 1],
      [1, 1],
    ]) {
      expect(() => decodeBundle(encodeBundle(order.map((sequence) => record(sequence))))).toThrow(unreadable)
    }
  })

  test('does not open when its row tells another number of records, or another replica', () => {
    const row = { replica: 'r1', sequence: 1, at: START, records: 3, body }
    expect(readBundle(row)).toHaveLength(3)
    expect(() => readBundle({ ...row, records: 2 })).toThrow(unreadable)
    expect(() => readBundle({ ...row, replica: 'r2' })).toThrow(unreadable)
    expect(() => readBundle({ ...row, records: 0, body: encodeBundle([]) })).toThrow(unreadable)
  })

  test.each([
    ['not JSON', '{'],
    ['no object', '[]'],
    [
      'members out of order',
      '{"sequence":1,"kind":"outcome","decision":1,"replica":"r","status":"ok","time":1}',
    ],
    [
      'space between members',
      canonicalText(outcomeRecord(head, 1, { status: 'unknown' })).replace(':', ': '),
    ],
    [
      'a member twice',
      '{"decision":1,"decision":1,"kind":"outcome","replica":"r","sequence":1,"status":"ok","time":1}',
    ],
    [
      'inputs that are neither kept nor too large to keep',
      canonicalText({ ...decisionRecord(head, call(), weighed), argumentsKept: true }),
    ],
    ['an unknown kind', '{"kind":"constructor","replica":"r","sequence":1,"time":1}'],
    ['a member missing', '{"kind":"outcome","replica":"r","sequence":1,"status":"ok","time":1}'],
    [
      'a member of another type',
      '{"decision":"1","kind":"outcome","replica":"r","sequence":1,"status":"ok","time":1}',
    ],
    [
      'a hand-over that names no list',
      '{"agent":"a","delegates":{"crm":{"a":"b"}},"grant":"g","kind":"grant_given","mounts":{},"replica":"r","sequence":1,"time":1,"user":{"id":"u"},"version":1}',
    ],
  ])('with a record spoilt by %s does not open', (_, text) => {
    const records = [{ canonical: Buffer.from(text), salt: Buffer.alloc(16), sealed: undefined }]
    expect(() => decodeBundle(encodeBundle(records))).toThrow(unreadable)
  })
})

test('inputs and names of users are in no stored byte', async () => {
  const { audit, store } = await opened()
  await audit.decide(call({ arguments: { a: 'canary-input' }, user: { id: 'u1', username: 'canary-name' } }))
  await audit.exchange(exchange({ jti: 'canary-jti', issued: 'canary-issued' }))
  const bytes = Buffer.concat([...store.rows.values()].map(({ body }) => body)).toString('latin1')
  expect(bytes).toContain('find_customer')
  expect(bytes).not.toMatch(/canary|alice/)
})

test('every record has a salt of its own', async () => {
  const { audit, store } = await opened()
  for (let i = 0; i < 5; i += 1) await audit.decide(call())
  const salts = store.records().map(({ salt }) => Buffer.from(salt).toString('hex'))
  expect(new Set(salts).size).toBe(5)
})

function hex({
  canonical,
  salt,
  sealed,
}: Readonly<Record<'canonical' | 'salt', Uint8Array>> & { readonly sealed: Uint8Array | undefined }) {
  return [canonical, salt, sealed ?? []].map((bytes) => Buffer.from(bytes).toString('hex'))
}

/** Without the members that are undefined. */
function clean(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
