import { describe, expect, test } from 'vitest'
import { META_STEP_UP } from './names.ts'
import { stepUpMeta, stepUpOf } from './step-up.ts'

const result = (member: unknown) => ({ isError: true, content: [], _meta: { 'tetrapod/step-up': member } })

describe('a step-up', () => {
  test('has one name on the wire', () => expect(META_STEP_UP).toBe('tetrapod/step-up'))

  test('is read from the error result of a tool', () => {
    expect(stepUpOf(result({ scope: 'crm.read crm.pay' }))).toEqual({
      scopes: new Set(['crm.read', 'crm.pay']),
    })
  })

  test('that we write ourselves is read back', () => {
    const scopes = new Set(['crm.read', 'crm.pay'])
    expect(stepUpOf({ isError: true, _meta: stepUpMeta({ scopes }) })).toEqual({ scopes })
  })

  test.each([
    ['a result that is no error', { ...result({ scope: 'a' }), isError: false }],
    ['a result that does not say that it is an error', { _meta: result({ scope: 'a' })._meta }],
    ['an error that says nothing', { isError: true, content: [] }],
    ['another `_meta`', { isError: true, _meta: 1 }],
    ['a list', { isError: true, _meta: [{ 'tetrapod/step-up': { scope: 'a' } }] }],
    ['nothing', undefined],
    ['a text', 'tetrapod/step-up'],
  ])('is not in %s', (_, other) => expect(stepUpOf(other)).toBeUndefined())

  test.each([
    ['no scope', {}],
    ['an empty scope', { scope: '' }],
    ['a scope that is no text', { scope: ['a'] }],
    ['two spaces', { scope: 'a  b' }],
    ['a character that no scope has', { scope: 'a"b' }],
    ['a line break', { scope: 'a\nb' }],
    ['a scope without end', { scope: 'a'.repeat(257) }],
    ['scopes without end', { scope: 'a '.repeat(3000).trim() }],
    ['a member more than is understood', { scope: 'a', max_age: 5 }],
    ['a text', 'a'],
    ['null', null],
  ])('with %s is none', (_, member) => expect(stepUpOf(result(member))).toBeUndefined())
})
