import fc from 'fast-check'
import { test } from 'vitest'
import { commands } from './commands.ts'
import { companyWithout } from './company.ts'
import { createModel } from './model.ts'
import { openReality } from './reality.ts'

const RUNS = 6
const COMMANDS = 60

test('no token outlives or outgrows its authority, and what it gives is given', { timeout: 120_000 }, async () => {
  const seen = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(fc.array(commands, { minLength: COMMANDS, maxLength: COMMANDS }), async (many) => {
      const t0=performance.now(); const real = await openReality(companyWithout(new Set()))
      console.log('open', performance.now()-t0)
      try {
        const model = createModel({ publicUrl: real.publicUrl, urls: real.urls, now: real.now() })
        await fc.asyncModelRun(() => ({ model, real }), many)
        for (const [what, n] of model.seen) seen.set(what, (seen.get(what) ?? 0) + n)
      } finally {
        const t1=performance.now(); await real.close(); console.log('close', performance.now()-t1, 'all', performance.now()-t0)
      }
    }),
    { seed: Number(process.env['MSEED'] ?? 0) || undefined, numRuns: Number(process.env['MRUNS'] ?? RUNS), endOnFailure: true },
  )
  if (process.argv.includes('--trace')) console.log(seen)
  console.log([...seen].toSorted().map(([a, b]) => `${a} ${b}`).join('\n'))
})
