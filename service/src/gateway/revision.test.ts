import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Envelope } from './envelope.ts'
import { checkHeaders, decodeHeaderValue, encodeHeaderValue, requestMeta } from './revision.ts'

const VERSION = 'io.modelcontextprotocol/protocolVersion'
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
const mismatch = expect.objectContaining({ code: 'gateway.header_mismatch' })
const metaMissing = expect.objectContaining({ code: 'gateway.meta_missing' })
const unsupported = (requested: string) =>
  expect.objectContaining({
    code: 'gateway.version_unsupported',
    data: { supported: ['2026-07-28'], requested },
  })
const message = (method: string, params: Envelope['params'] = {}): Envelope => ({ id: 1, method, params })
const meta = { [VERSION]: '2026-07-28', [CAPABILITIES]: {} }

describe('a value in a header', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.string().map((value) => `=?base64?${value}?=`),
    fc.string().map((value) => ` ${value}\t`),
    fc.base64String().map((value) => `=?base64?${value}?=`),
  )

  test('is read as it was written, and survives the way, whatever it is', () => {
    fc.assert(
      fc.property(text, (value) => {
        const written = encodeHeaderValue(value)
        expect(written).toMatch(/^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/)
        expect(decodeHeaderValue(written)).toBe(value)
      }),
      { numRuns: 500 },
    )
  })

  test('has one spelling for each value that needs encoding', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(decodeHeaderValue(encodeHeaderValue(a)) === decodeHeaderValue(encodeHeaderValue(b))).toBe(
          a === b,
        )
      }),
    )
  })

  test.each([
    ['no base64', '=?base64?!!!?='],
    ['no padding', '=?base64?ZWNobw?='],
    ['padding too much', '=?base64?ZWNobw===?='],
    ['bits that say nothing', '=?base64?ZWNobx==?='],
    ['the alphabet for URLs', '=?base64?-_-_?='],
    ['a space', '=?base64?ZWNo bw==?='],
    ['bytes that are not UTF-8', '=?base64?/w==?='],
  ])('between the sentinels with %s is malformed, not a literal', (_, value) => {
    expect(decodeHeaderValue(value)).toBeUndefined()
    const call = message('tools/call', { name: value, _meta: meta })
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': value }
    expect(() => checkHeaders(headers, call, requestMeta(call, headers))).toThrow(mismatch)
  })

  test.each(['=?BASE64?ZWNobw==?=', '=?base64?ZWNobw==', 'ZWNobw==?=', '=?utf-8?ZWNobw==?=', '=?base64?='])(
    '%s lacks a sentinel and is a literal',
    (value) => {
      expect(decodeHeaderValue(value)).toBe(value)
    },
  )
})

describe('the headers', () => {
  const call = message('tools/call', { name: 'echo', _meta: meta })
  const honest = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
  const check = (headers: Record<string, string | undefined>, of = call) => {
    const { 'mcp-protocol-version': version, ...rest } = { ...honest, ...headers }
    const sent = Object.fromEntries(
      Object.entries({ 'mcp-protocol-version': version, ...rest }).filter(([, value]) => value !== undefined),
    )
    checkHeaders(sent, of, { version: '2026-07-28', progressToken: undefined })
  }

  test('that say what the body says are taken, the name encoded or not', () => {
    expect(() => check({})).not.toThrow()
    expect(() => check({ 'mcp-name': '=?base64?ZWNobw==?=' })).not.toThrow()
  })

  test.each([
    ['no version', { 'mcp-protocol-version': undefined }],
    ['another version', { 'mcp-protocol-version': '2025-11-25' }],
    ['two versions', { 'mcp-protocol-version': '2026-07-28, 2026-07-28' }],
    ['no method', { 'mcp-method': undefined }],
    ['another method', { 'mcp-method': 'tools/list' }],
    ['the method in other case', { 'mcp-method': 'Tools/Call' }],
    ['an encoded method', { 'mcp-method': '=?base64?dG9vbHMvY2FsbA==?=' }],
    ['no name', { 'mcp-name': undefined }],
    ['another name', { 'mcp-name': 'delete_customer' }],
    ['the name in other case', { 'mcp-name': 'Echo' }],
    ['two names', { 'mcp-name': 'echo, delete_customer' }],
    ['another name, encoded', { 'mcp-name': '=?base64?RWNobw==?=' }],
  ])('with %s are refused', (_, headers) => {
    expect(() => check(headers)).toThrow(mismatch)
  })

  test('a name in the body that is no string equals no header', () => {
    for (const name of [['echo'], 1, null, { toString: 'echo' }])
      expect(() => check({}, message('tools/call', { name, _meta: meta }))).toThrow(mismatch)
  })
})

describe('the era of a request', () => {
  test('is what its body says', () => {
    expect(requestMeta(message('tools/list', { _meta: { ...meta, progressToken: 'p' } }), {})).toEqual({
      version: '2026-07-28',
      progressToken: 'p',
    })
  })

  test('of an older client is answered with the versions there are, and the one it asked for', () => {
    expect(() => requestMeta(message('initialize', { protocolVersion: '2025-11-25' }), {})).toThrow(
      unsupported('2025-11-25'),
    )
    const headers = { 'mcp-protocol-version': '2025-06-18' }
    expect(() => requestMeta(message('tools/list'), headers)).toThrow(unsupported('2025-06-18'))
    expect(() => requestMeta(message('tools/list'), {})).toThrow(unsupported(''))
    expect(() =>
      requestMeta(message('tools/list', { _meta: { ...meta, [VERSION]: '2030-01-01' } }), {}),
    ).toThrow(unsupported('2030-01-01'))
  })

  test('a header alone makes no request of this era', () => {
    const headers = { 'mcp-protocol-version': '2026-07-28' }
    expect(() => requestMeta(message('tools/list'), headers)).toThrow(metaMissing)
    expect(() => requestMeta(message('tools/list', { _meta: {} }), headers)).toThrow(metaMissing)
  })

  test.each([
    ['no capabilities', { [VERSION]: '2026-07-28' }],
    ['capabilities that are a list', { ...meta, [CAPABILITIES]: [] }],
    ['a progress token that is an object', { ...meta, progressToken: {} }],
  ])('with %s is refused', (_, _meta) => {
    expect(() => requestMeta(message('tools/list', { _meta }), {})).toThrow(metaMissing)
  })

  test('a version that is no string is no version', () => {
    expect(() => requestMeta(message('tools/list', { _meta: { ...meta, [VERSION]: 20260728 } }), {})).toThrow(
      unsupported(''),
    )
    expect(() =>
      requestMeta(message('tools/list', { _meta: { ...meta, [VERSION]: ['2026-07-28'] } }), {}),
    ).toThrow()
  })
})
