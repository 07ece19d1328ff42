import { expect, test } from 'vitest'
import type { Tokens } from '#tokens'
import { createTenure, tokensWithin } from './tenure.ts'

/** What was decided in time may be slow to come on record: so what issues asks again. */
function issuers() {
  const ticker = { now: 0, elapsed: () => ticker.now, sleep: () => Promise.resolve() }
  const tenure = createTenure(ticker)
  const issued: string[] = []
  const issue = (what: string) => () => {
    issued.push(what)
    return what
  }
  const stand = { root: issue('root'), mint: issue('mint'), mintTransaction: issue('transaction') }
  const tokens: Pick<Tokens, 'root' | 'mint' | 'mintTransaction'> = tokensWithin(
    tenure,
    stand as unknown as Tokens,
  )
  return { ticker, tenure, issued, tokens }
}

const ways = ['root', 'mint', 'mintTransaction'] as const
const attempt = async (tokens: ReturnType<typeof issuers>['tokens'], way: (typeof ways)[number]) =>
  (tokens[way] as (claims: object) => unknown)({})

test.each(ways)('%s gives nothing once another deployment is in its place for a while', async (way) => {
  const { ticker, tenure, issued, tokens } = issuers()
  ticker.now = 1_000_000
  await attempt(tokens, way)
  tenure.end()
  ticker.now += 3000
  await attempt(tokens, way)
  expect(issued).toHaveLength(2)
  ticker.now += 1
  // Ended twice is ended at first.
  tenure.end()
  await expect(attempt(tokens, way)).rejects.toMatchObject({ code: 'service.configuration_replaced' })
  expect(issued).toHaveLength(2)
})
