import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TokenAnswer } from './token-endpoint.ts'
import { formatTokens, mergeTokens, parseTokens, type Tokens } from './tokens.ts'

const text = fc.string({ minLength: 1 })
const scopes = fc.uniqueArray(fc.stringMatching(/^[!#-[\]-~]{1,8}$/)).map((all) => new Set(all))
const time = fc.option(fc.nat(), { nil: undefined })
const tokens: fc.Arbitrary<Tokens> = fc.record({
  accessToken: text,
  expiresAt: time,
  scopes,
  requested: scopes,
  refreshToken: fc.option(text, { nil: undefined }),
})
const answer: fc.Arbitrary<TokenAnswer> = fc.record({
  token: text,
  expiresAt: time,
  scopes: fc.option(scopes, { nil: undefined }),
  refreshToken: fc.option(text, { nil: undefined }),
})

test('a refresh never loses the refresh token, however many follow each other and whatever they leave out', () => {
  fc.assert(
    fc.property(tokens, fc.array(answer), (before, answers) => {
      const after = answers.reduce(mergeTokens, before)
      const given = answers.findLast(({ refreshToken }) => refreshToken !== undefined)?.refreshToken
      expect(after.refreshToken).toBe(given ?? before.refreshToken)
      expect(after.accessToken).toBe(answers.at(-1)?.token ?? before.accessToken)
      expect(after.requested).toBe(before.requested)
    }),
  )
})

test('tokens are read from a store as they were written', () => {
  fc.assert(
    fc.property(tokens, (all) => {
      expect(parseTokens(formatTokens(all))).toEqual(all)
    }),
  )
})

test('what is no tokens is read as none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (value) => {
      expect(parseTokens(value)).toBeUndefined()
    }),
  )
  expect(parseTokens(undefined)).toBeUndefined()
})
