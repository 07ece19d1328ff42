import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomId, Secret } from '#kernel'
import { createRefreshTokenIds } from './refresh-token-ids.ts'

const ids = createRefreshTokenIds(new Secret(new Uint8Array(32).fill(1)))
const others = createRefreshTokenIds(new Secret(new Uint8Array(32).fill(2)))

describe('a refresh token of ours', () => {
  test('names its login, and so do all that follow it', () => {
    const family = randomId()
    let token = ids.first(family)
    const seen = new Set<string>()
    for (let use = 0; use < 20; use++, token = ids.after(token)) {
      expect(ids.familyOf(token)).toBe(family)
      seen.add(token)
    }
    expect(seen.size).toBe(20)
  })

  test('leads to the same next one for whoever has the key, and to another with another', () => {
    const token = ids.first(randomId())
    const again = createRefreshTokenIds(new Secret(new Uint8Array(32).fill(1)))
    expect(again.after(token)).toBe(ids.after(token))
    expect(() => others.after(token)).toThrow(TypeError)
  })

  test('has 256 random bits: two firsts of one login have nothing in common but it', () => {
    const [one, two] = [ids.first('login'), ids.first('login')].map((token) => token.split('.'))
    expect(one?.[0]).toBe(two?.[0])
    expect(one?.[1]).not.toBe(two?.[1])
    expect(Buffer.from(one?.[1] ?? '', 'base64url')).toHaveLength(32)
  })

  test('is nobody’s once any character is another', () => {
    const token = ids.first(randomId())
    const property = fc.property(
      fc.nat(token.length - 1),
      fc.string({ minLength: 1, maxLength: 1 }),
      (place, letter) => {
        fc.pre(token[place] !== letter)
        expect(ids.familyOf(token.slice(0, place) + letter + token.slice(place + 1))).toBeUndefined()
      },
    )
    fc.assert(property)
  })
})

test('nothing that we did not make has a login, and asking never throws', () => {
  const parts = fc.array(fc.string(), { maxLength: 5 }).map((list) => list.join('.'))
  fc.assert(fc.property(fc.oneof(fc.string(), parts), (text) => ids.familyOf(text) === undefined))
  expect(ids.familyOf(others.first('login'))).toBeUndefined()
})
