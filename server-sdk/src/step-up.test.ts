import { stepUpOf } from '@tetrapod/protocol'
import { describe, expect, test } from 'vitest'
import { ExchangeRefused, ExchangeUnavailable, InsufficientScope } from './errors.ts'
import { stepUp } from './step-up.ts'

describe('a tool that was ended by', () => {
  test.each([
    [
      'a consent that is missing',
      new ExchangeRefused({ error: 'consent_required', scope: 'crm.read crm.pay' }),
    ],
    [
      'a scope that is missing',
      new InsufficientScope(['crm.read', 'crm.pay'], 'https://crm.example/metadata'),
    ],
  ])('%s answers with a step-up to these scopes, and says so in words', (_, error) => {
    const result = stepUp(error)
    expect(stepUpOf(result)).toEqual({ scopes: new Set(['crm.read', 'crm.pay']) })
    expect(result.content[0]?.text).toContain('crm.read crm.pay')
  })

  test.each([
    ['another refusal', new ExchangeRefused({ error: 'access_denied', scope: 'crm.pay' })],
    ['a consent without a scope', new ExchangeRefused({ error: 'consent_required' })],
    ['a consent with an empty scope', new ExchangeRefused({ error: 'consent_required', scope: '' })],
    ['a broker that is not there', new ExchangeUnavailable('down')],
    ['a mistake of its own', new TypeError('x is not a function')],
    ['something that looks like a refusal', { error: 'consent_required', scope: 'crm.pay' }],
  ])('%s fails with it as before', (_, error) => {
    let thrown: unknown
    try {
      stepUp(error)
    } catch (again) {
      thrown = again
    }
    expect(thrown).toBe(error)
  })
})
