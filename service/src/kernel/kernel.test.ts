import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  declaredFaults,
  Fault,
  faults,
  hashed,
  isObject,
  own,
  randomId,
  randomToken,
  Secret,
} from './index.ts'

describe('a secret', () => {
  test('shows nothing of itself wherever it is printed, and its value to reveal() alone', () => {
    const secret = new Secret('canary')
    const printed = [
      String(secret),
      JSON.stringify({ secret }),
      inspect({ deep: [secret] }, { depth: 9, showHidden: true }),
      secret.toString(),
      Object.values(secret).join(),
      Object.getOwnPropertyNames(secret).join(),
      inspect(new Error('failed', { cause: secret })),
    ]
    for (const text of printed) expect(text).not.toContain('canary')
    expect(secret.reveal()).toBe('canary')
  })

  test('is not copied by a clone', () => {
    expect(JSON.stringify(structuredClone(new Secret('canary')))).not.toContain('canary')
  })
})

describe('a fault', () => {
  const fault = faults('kernel_test', { broken: ['invalid', 'Mend it.'] })

  test('has the code of its module and name, its kind, and its public sentence', () => {
    const cause = new Error('inner')
    const made = fault.broken({ detail: 'private', cause })
    expect(made).toBeInstanceOf(Fault)
    expect(made).toMatchObject({
      code: 'kernel_test.broken',
      kind: 'invalid',
      message: 'Mend it.',
      detail: 'private',
      cause,
    })
  })

  test('is listed with all that were declared', () => {
    expect(declaredFaults.get('kernel_test.broken')).toEqual({ kind: 'invalid', message: 'Mend it.' })
  })
})

test('ids hold 128 random bits and tokens 256, and none comes twice', () => {
  expect(Buffer.from(randomId(), 'base64url')).toHaveLength(16)
  expect(Buffer.from(randomToken(), 'base64url')).toHaveLength(32)
  expect(new Set(Array.from({ length: 1000 }, randomId)).size).toBe(1000)
})

test('a hash is the same for the same value and tells nothing of it', () => {
  expect(hashed('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
})

test('an object is what JSON writes in braces', () => {
  for (const value of [null, undefined, [], 'a', 1, true, () => {}]) expect(isObject(value)).toBe(false)
  expect([isObject({}), isObject(Object.create(null))]).toEqual([true, true])
})

test('a record has the members that were put into it and no others, whatever they are called', () => {
  const names = fc.constantFrom('constructor', 'toString', '__proto__', 'hasOwnProperty', 'a')
  const property = fc.property(fc.uniqueArray(names), names, (held, asked) => {
    const record = Object.fromEntries(held.map((name) => [name, `of ${name}`]))
    expect(own(record, asked)).toBe(held.includes(asked) ? `of ${asked}` : undefined)
  })
  fc.assert(property)
})

test('no id begins with a hyphen: a command would take it for an option', () => {
  const ids = Array.from({ length: 3000 }, () => randomId())
  expect(ids.filter((id) => id.startsWith('-'))).toEqual([])
})
