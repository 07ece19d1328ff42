import { assert, property, stringMatching, webUrl } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatChallenge } from './challenge.ts'
import { readChallenge, scopesWanted } from './read-challenge.ts'

describe('a WWW-Authenticate value', () => {
  test.each([
    ['Bearer resource_metadata="https://a/b", scope="x y"', 'https://a/b', 'x y'],
    ['bearer RESOURCE_METADATA="https://a/b"', 'https://a/b', undefined],
    ['Bearer scope=x,resource_metadata = "https://a/b"', 'https://a/b', 'x'],
    ['Basic realm="Bearer resource_metadata=no", Bearer scope="x"', undefined, 'x'],
    ['Bearer scope="x", DPoP algs="ES256", scope="y"', undefined, 'x'],
    ['DPoP scope="y", Bearer', undefined, undefined],
    ['Bearer error="a\\"b, scope=\\"", scope="x"', undefined, 'x'],
    ['Bearer scope="x", scope="y"', undefined, 'x'],
    ['Bearer __proto__="x", scope="x"', undefined, 'x'],
    ['', undefined, undefined],
    ['Bearer resource_metadata="https://a', undefined, undefined],
  ])('%s is read as it is meant', (header, resourceMetadata, scope) => {
    expect(readChallenge(header)).toMatchObject({ resourceMetadata, scope })
  })

  test('that we write ourselves is read back, whatever the URL and the scope', () => {
    const scope = stringMatching(/^[!#-[\]-~]{1,20}( [!#-[\]-~]{1,20}){0,3}$/)
    assert(
      property(webUrl({ withQueryParameters: true }), scope, (url, scope) => {
        const header = formatChallenge({ error: 'invalid_token', scope, resource_metadata: url })
        expect(readChallenge(header)).toEqual({ error: 'invalid_token', resourceMetadata: url, scope })
      }),
    )
  })

  test('of 100 000 hostile characters is read in linear time', () => {
    const started = performance.now()
    for (const part of [' ', ',', '"', 'a=', 'a="\\', 'a ']) readChallenge(part.repeat(100_000 / part.length))
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('the scopes that a challenge wants', () => {
  const wanted = (header: string) => scopesWanted(readChallenge(header))
  test('are those of insufficient_scope', () => {
    expect(wanted('Bearer error="insufficient_scope", scope="a b"')).toEqual(new Set(['a', 'b']))
  })

  test.each([
    'Bearer error="invalid_token", scope="a"',
    'Bearer scope="a"',
    'Bearer error="insufficient_scope"',
    'Bearer error="insufficient_scope", scope=""',
    'Bearer error="insufficient_scope", scope="a  b"',
    'Basic error="insufficient_scope", scope="a"',
  ])('are none in %s', (header) => expect(wanted(header)).toBeUndefined())
})
