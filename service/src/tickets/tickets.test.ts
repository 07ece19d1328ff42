import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Json, Secret } from '#kernel'
import { createTickets } from './tickets.ts'

const invalid = expect.objectContaining({ code: 'tickets.invalid', kind: 'invalid' })

test('a ticket opens to the value it was sealed with, for the same purpose', () => {
  const { tickets } = setUp()
  const small = fc.jsonValue({ maxDepth: 3 }).filter((v) => Buffer.byteLength(JSON.stringify(v)) < 2900)
  const property = fc.property(small, fc.string(), (value, purpose) => {
    const sealed = tickets.seal(purpose, value as Json, 60)
    expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/)
    expect(tickets.open(purpose, sealed)).toEqual(JSON.parse(JSON.stringify(value)))
  })
  fc.assert(property, { numRuns: 100 })
})

test('a ticket of one purpose is nothing to another', () => {
  const { tickets } = setUp()
  const ticket = tickets.seal('session', { user: 'u1' }, 60)
  expect(() => tickets.open('sign-in', ticket)).toThrow(invalid)
  expect(() => tickets.open('', ticket)).toThrow(invalid)
})

test('a ticket of another key is refused', () => {
  expect(() => setUp().tickets.open('session', setUp().tickets.seal('session', 1, 60))).toThrow(invalid)
})

test('a ticket opens until its lifetime has passed, and not at that second', () => {
  const { tickets, clock } = setUp()
  const ticket = tickets.seal('session', 'v', 60)
  clock.time += 59_000
  expect(tickets.open('session', ticket)).toBe('v')
  clock.time += 1000
  expect(() => tickets.open('session', ticket)).toThrow(
    expect.objectContaining({ code: 'tickets.expired', kind: 'invalid' }),
  )
})

test('a ticket with any byte changed, cut anywhere or made longer is refused', () => {
  const { tickets } = setUp()
  const bytes = Buffer.from(tickets.seal('session', { user: 'u1' }, 60), 'base64url')
  for (const at of bytes.keys()) {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 0x01
    expect(() => tickets.open('session', changed.toString('base64url')), `byte ${at}`).toThrow(invalid)
    const cut = bytes.subarray(0, at).toString('base64url')
    expect(() => tickets.open('session', cut), `${at} bytes`).toThrow(invalid)
  }
  const longer = Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url')
  expect(() => tickets.open('session', longer)).toThrow(invalid)
})

test('a ticket has one spelling: what Node would decode alike is refused', () => {
  const { tickets } = setUp()
  const ticket = tickets.seal('session', 'ab', 60)
  for (const spelling of [
    `${ticket}=`,
    `${ticket}\n`,
    ` ${ticket}`,
    `${ticket}!`,
    ticket.replaceAll(/[-_]/g, '+'),
  ]) {
    if (spelling !== ticket) expect(() => tickets.open('session', spelling), spelling).toThrow(invalid)
  }
})

test('whatever is shown as a ticket, the answer is the same', () => {
  const { tickets } = setUp()
  const property = fc.property(fc.string(), (text) => {
    expect(() => tickets.open('session', text)).toThrow(invalid)
  })
  fc.assert(property)
  expect(() => tickets.open('session', 'A'.repeat(1_000_000))).toThrow(
    expect.objectContaining({ code: 'tickets.invalid', detail: 'too long' }),
  )
})

test('a ticket over 4 KiB is not made, and one at the limit opens', () => {
  const { tickets } = setUp()
  expect(() => tickets.seal('session', 'x'.repeat(4000), 60)).toThrow(
    expect.objectContaining({ code: 'tickets.too_long' }),
  )
  const large = 'x'.repeat(2990)
  expect(tickets.open('session', tickets.seal('session', large, 60))).toBe(large)
})

test('two tickets of one value differ, and neither they nor an error show it', () => {
  const { tickets, clock } = setUp()
  const [a, b] = [tickets.seal('session', 'canary', 60), tickets.seal('session', 'canary', 60)]
  expect(a).not.toBe(b)
  expect(Buffer.from(a, 'base64url').includes('canary')).toBe(false)
  clock.time += 60_000
  expect(inspect(caught(() => tickets.open('session', a)))).not.toContain('canary')
})

function caught(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return error
  }
}

function setUp() {
  const clock = { time: 1_800_000_000_000, now: () => clock.time }
  return { tickets: createTickets({ key: new Secret<Uint8Array>(randomBytes(32)), clock }), clock }
}
