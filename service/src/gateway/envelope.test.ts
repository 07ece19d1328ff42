import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCallParams, parseEnvelope, parseListParams, readableId } from './envelope.ts'

const requestMalformed = expect.objectContaining({ code: 'gateway.request_malformed', kind: 'invalid' })
const paramsInvalid = expect.objectContaining({ code: 'gateway.params_invalid', kind: 'invalid' })
const honest = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'echo' } }

describe('an envelope', () => {
  test('is read as it was sent; without id it is a notification, without params it has none', () => {
    expect(parseEnvelope(honest)).toEqual({ id: 7, method: 'tools/call', params: { name: 'echo' } })
    expect(parseEnvelope({ jsonrpc: '2.0', method: 'x' })).toEqual({
      id: undefined,
      method: 'x',
      params: {},
    })
  })

  test('has no member but the four: every case variant is refused', () => {
    const members = ['jsonrpc', 'id', 'method', 'params'] as const
    const variant = fc.constantFrom(...members).chain((name) =>
      fc
        .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
        .filter((upper) => upper.some(Boolean))
        .map((upper) =>
          Array.from(name)
            .map((c, i) => (upper[i] === true ? c.toUpperCase() : c))
            .join(''),
        ),
    )
    fc.assert(
      fc.property(variant, fc.anything(), (name, value) => {
        expect(() => parseEnvelope({ ...honest, [name]: value ?? null })).toThrow(requestMalformed)
      }),
    )
  })

  test.each([
    ['a batch', [honest]],
    ['an empty batch', []],
    ['a string', 'tools/call'],
    ['null', null],
    ['a response', { jsonrpc: '2.0', id: 1, result: {} }],
    ['another version', { ...honest, jsonrpc: '1.0' }],
    ['a version that is a number', { ...honest, jsonrpc: 2 }],
    ['no version', { id: 1, method: 'x' }],
    ['an id null', { ...honest, id: null }],
    ['an id with a fraction', { ...honest, id: 1.5 }],
    ['an id beyond the safe integers', { ...honest, id: 2 ** 53 }],
    ['an id that is an object', { ...honest, id: {} }],
    ['an id of 257 characters', { ...honest, id: 'x'.repeat(257) }],
    ['no method', { jsonrpc: '2.0', id: 1 }],
    ['an empty method', { ...honest, method: '' }],
    ['params by position', { ...honest, params: ['echo'] }],
    ['params null', { ...honest, params: null }],
  ])('that is %s is refused', (_, value) => {
    expect(() => parseEnvelope(value)).toThrow(requestMalformed)
  })

  test('a member named __proto__ neither passes nor changes what an object is', () => {
    expect(() => parseEnvelope(JSON.parse('{"jsonrpc":"2.0","method":"x","__proto__":{"id":1}}'))).toThrow(
      requestMalformed,
    )
    const { params } = parseEnvelope(
      JSON.parse('{"jsonrpc":"2.0","method":"x","params":{"__proto__":{"name":"echo"}}}'),
    )
    expect(params['name']).toBeUndefined()
  })
})

test('the id of a message that cannot be used is told back where there is one to read', () => {
  expect(readableId({ id: 'a', METHOD: 'x' })).toBe('a')
  expect(readableId({ id: 4 })).toBe(4)
  for (const value of [{ id: {} }, { id: null }, {}, [], [{ id: 1 }], null, 'x'])
    expect(readableId(value)).toBeNull()
})

describe('params', () => {
  test('of a call are the name, the arguments and _meta: nothing of _meta is passed on', () => {
    expect(parseCallParams({ name: 'echo', arguments: { a: [1] }, _meta: { x: 1 } })).toEqual({
      name: 'echo',
      arguments: { a: [1] },
    })
    expect(parseCallParams({ name: 'echo', _meta: {} })).toEqual({ name: 'echo' })
  })

  test.each([
    ['no name', {}],
    ['an empty name', { name: '' }],
    ['a name that is no string', { name: ['echo'] }],
    ['a name of 129 characters', { name: 'x'.repeat(129) }],
    ['arguments by position', { name: 'echo', arguments: [] }],
    ['a case variant of name', { name: 'echo', Name: 'delete' }],
    ['a case variant of arguments', { name: 'echo', arguments: {}, Arguments: {} }],
    ['an answer to a question nobody asked', { name: 'echo', inputResponses: {} }],
    ['a state nobody handed out', { name: 'echo', requestState: 'x' }],
    ['a task', { name: 'echo', task: { ttl: 1 } }],
  ])('of a call with %s are refused', (_, params) => {
    expect(() => parseCallParams({ _meta: {}, ...params })).toThrow(paramsInvalid)
  })

  test('of a list are a cursor at most', () => {
    expect(parseListParams({ _meta: {}, cursor: 'c' })).toEqual({ cursor: 'c' })
    expect(parseListParams({ _meta: {} })).toEqual({})
    for (const params of [{ cursor: 1 }, { Cursor: 'c' }, { name: 'x' }, { cursor: 'x'.repeat(4097) }])
      expect(() => parseListParams({ _meta: {}, ...params })).toThrow(paramsInvalid)
  })
})
