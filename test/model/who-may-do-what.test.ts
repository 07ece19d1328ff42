import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { commands } from './commands.ts'
import { companyWithout } from './company.ts'
import { createModel } from './model.ts'
import { openReality } from './reality.ts'

/**
 * Each run is a company of its own, in which so many things happen: the same ones everywhere. A failure says its path: write it
 * here, as `path`, and it happens again alone. Another seed and more runs find more.
 */
const PARAMETERS = { seed: 11, numRuns: 4, endOnFailure: true }
const COMMANDS = 50

/** What no run goes without: a model that is never asked finds nothing. */
const HAPPENS = [
  'login: consent',
  'redeem: issued',
  'refresh: issued',
  'exchange: issued',
  'exchange: invalid_request',
  'introspection: true',
  'introspection: false',
  'call: ok',
  'call: 401',
  'step',
  'edit: out',
]

test('no token outlives or outgrows its authority, and what that allows is given', async () => {
  const seen = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(fc.array(commands, { minLength: COMMANDS, maxLength: COMMANDS }), async (many) => {
      const real = await openReality(companyWithout(new Set()))
      try {
        const model = createModel({ publicUrl: real.publicUrl, urls: real.urls, now: real.now() })
        await fc.asyncModelRun(() => ({ model, real }), many)
        for (const [what, times] of model.seen) seen.set(what, (seen.get(what) ?? 0) + times)
      } finally {
        await real.close()
      }
    }),
    PARAMETERS,
  )
  expect(HAPPENS.filter((what) => !seen.has(what))).toEqual([])
}, 180_000)
