import { describe, expect, test } from 'vitest'
import { backends, winnersOfFifty } from './backends.fixture.ts'

const entry = { kind: 'tool_scopes', idHash: 'crm', at: 1_800_000_000_000, expiresAt: 1_800_000_600_000 }
const pay = { tool: 'pay', scope: 'crm.pay' }

describe.each(backends)('what tools named in a step-up, in %s', (_, place) => {
  test('is there after a restart, by server, and the feed tells of it', async () => {
    const open = place()
    const storage = await open()
    expect(await storage.stepUps.namedAt('crm')).toEqual([])
    expect(await storage.stepUps.add('crm', [pay, { tool: 'pay', scope: 'crm.read' }], entry)).toBe(true)
    expect(await storage.stepUps.add('notes', [{ tool: 'pay', scope: 'notes.read' }], entry)).toBe(true)
    await storage.close()
    const { stepUps, revocations } = await open()
    const named = await stepUps.namedAt('crm')
    expect(named.toSorted((a, b) => a.scope.localeCompare(b.scope))).toEqual([
      pay,
      { tool: 'pay', scope: 'crm.read' },
    ])
    expect(await revocations.after(0)).toMatchObject([entry, entry])
  })

  test('is added once: of fifty at once one is told that it was new, and the feed tells of it once', async () => {
    const { stepUps, revocations } = await place()()
    expect(await winnersOfFifty(() => stepUps.add('crm', [pay], entry))).toBe(1)
    expect(await stepUps.namedAt('crm')).toEqual([pay])
    expect(await revocations.after(0)).toHaveLength(1)
  })

  test('grows by what is new among what is known', async () => {
    const { stepUps } = await place()()
    await stepUps.add('crm', [pay], entry)
    expect(await stepUps.add('crm', [pay, { tool: 'pay', scope: 'crm.read' }], entry)).toBe(true)
    expect(await stepUps.namedAt('crm')).toHaveLength(2)
  })
})
