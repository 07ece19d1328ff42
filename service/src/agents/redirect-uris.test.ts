import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isLoopbackRedirect,
  isNativeRedirect,
  redirectAllowed,
  redirectName,
  redirectUriProblem,
  withoutPort,
} from './redirect-uris.ts'

describe('a redirect URI that an agent names for itself', () => {
  test.each([
    'https://claude.ai/api/mcp/auth_callback',
    'https://agents.example:8443/cb?client=1',
    'https://agents.example',
    'http://127.0.0.1/callback',
    'http://127.0.0.1:33418',
    'http://127.0.0.1:33418/',
    'http://[::1]:8080/callback',
    'http://localhost/callback',
    'http://localhost:3118/callback',
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'vscode://ms.mcp/callback',
    'com.example.app:/oauth2redirect',
  ])('%s may be used', (uri) => {
    expect(redirectUriProblem(uri)).toBeUndefined()
  })

  test.each([
    ['nothing', ''],
    ['a path', '/callback'],
    ['a host alone', 'agents.example/cb'],
    ['http to another machine', 'http://agents.example/cb'],
    ['http to a name like loopback', 'http://localhost.evil.example/cb'],
    ['http to an address like loopback', 'http://127.0.0.1.evil.example/cb'],
    ['http to another loopback address', 'http://127.0.0.2/cb'],
    ['http to every address', 'http://0.0.0.0/cb'],
    ['loopback as a number', 'http://2130706433/cb'],
    ['loopback in short', 'http://127.1/cb'],
    ['a user name before the host', 'http://127.0.0.1@evil.example/cb'],
    ['a user name before loopback', 'http://user@127.0.0.1/cb'],
    ['a password', 'https://a:b@agents.example/cb'],
    ['an empty user name', 'https://@agents.example/cb'],
    ['a fragment', 'https://agents.example/cb#x'],
    ['an empty fragment', 'https://agents.example/cb#'],
    ['a wildcard for a host', 'https://*.agents.example/cb'],
    ['a wildcard in the path', 'https://agents.example/*'],
    ['dots', 'https://agents.example/cb/../evil'],
    ['one dot', 'https://agents.example/./cb'],
    ['dots in disguise', 'https://agents.example/cb/%2e%2E/evil'],
    ['dots at the end', 'https://agents.example/cb/..'],
    ['dots after an app’s scheme', 'cursor://x/../y'],
    ['a backslash', 'https://agents.example\\@evil.example/cb'],
    ['a space', 'https://agents.example/c b'],
    ['a line break', 'https://agents.example/c\nb'],
    ['a letter beyond ASCII', 'https://ägents.example/cb'],
    ['a host in capitals', 'https://AGENTS.example/cb'],
    ['a scheme in capitals', 'HTTPS://agents.example/cb'],
    ['a missing slash', 'https:/agents.example/cb'],
    ['a script', 'javascript:alert(1)'],
    ['a script in capitals', 'JavaScript:alert(1)'],
    ['a script with a tab', 'java\tscript:alert(1)'],
    ['data', 'data:text/html,x'],
    ['a file', 'file:///etc/passwd'],
    ['vbscript', 'vbscript:x'],
    ['a blob', 'blob:https://agents.example/x'],
    ['about', 'about:blank'],
    ['what looks like https', 'httpss://agents.example/cb'],
    ['what looks like http', 'http+app://agents.example/cb'],
    ['out of band', 'urn:ietf:wg:oauth:2.0:oob'],
    ['mail', 'mailto:a@agents.example'],
    ['a handler of the system', 'ms-msdt:/id'],
    ['an app’s scheme with a user name', 'cursor://user@x/cb'],
    ['more than 512 characters', `https://agents.example/${'x'.repeat(500)}`],
  ])('%s may not', (_, uri) => {
    expect(redirectUriProblem(uri)).toMatch(/\.$/)
  })
})

describe('an answer may go', () => {
  const registered = [
    'http://localhost/callback',
    'http://127.0.0.1:33418/',
    'http://[::1]/cb',
    'https://a.example/cb',
  ]

  test.each([
    'http://localhost/callback',
    'http://localhost:52163/callback',
    'http://127.0.0.1:1/',
    'http://127.0.0.1/',
    'http://[::1]:65535/cb',
    'https://a.example/cb',
  ])('to %s', (uri) => {
    expect(redirectAllowed(registered, uri)).toBe(true)
  })

  test.each([
    'http://localhost:52163/callback/',
    'http://localhost:52163/callback?x=1',
    'http://localhost:52163/Callback',
    'http://localhost:52163',
    'http://127.0.0.1:52163/callback',
    'http://localhost:/callback',
    'http://localhost:99999/callback',
    'http://localhost:1x/callback',
    'http://localhost:1@evil.example/callback',
    'http://user@localhost:1/callback',
    'http://localhost:1#@evil.example/callback',
    'http://localhost.evil.example/callback',
    'https://localhost:52163/callback',
    'https://a.example:444/cb',
    'https://a.example/cb?x',
    'https://A.example/cb',
    'http://a.example/cb',
  ])('and not to %s', (uri) => {
    expect(redirectAllowed(registered, uri)).toBe(false)
  })
})

const part = fc.constantFrom(
  'http',
  'https',
  'cursor',
  'javascript',
  '://',
  ':',
  '/',
  '//',
  '@',
  '#',
  '?',
  '*',
  '..',
  '.',
  '%2e',
  '\\',
  'localhost',
  '127.0.0.1',
  '[::1]',
  'a.example',
  ':80',
  ':443',
  ' ',
  '\t',
  'x',
  'é',
)
const anyUri = fc.oneof(
  fc.array(part, { maxLength: 9 }).map((parts) => parts.join('')),
  fc.webUrl(),
  fc.string(),
)

describe('whatever is written', () => {
  test('that may be used is read by everybody as it is written, and leads to a web host, to this machine, or to an app', () => {
    fc.assert(
      fc.property(anyUri, (uri) => {
        if (redirectUriProblem(uri) !== undefined) return
        const url = new URL(uri)
        expect([uri, `${uri}/`, uri.replace('?', '/?')]).toContain(url.href)
        expect([url.username, url.password, url.hash]).toEqual(['', '', ''])
        if (url.protocol === 'http:') expect(['localhost', '127.0.0.1', '[::1]']).toContain(url.hostname)
        expect(url.protocol).not.toBe('javascript:')
        expect(isNativeRedirect(uri)).toBe(url.protocol !== 'https:')
      }),
      { numRuns: 3000 },
    )
  })

  test('an answer goes to what was registered, the port of this machine aside', () => {
    fc.assert(
      fc.property(fc.array(anyUri, { maxLength: 4 }), anyUri, (registered, uri) => {
        if (!redirectAllowed(registered, uri) || registered.includes(uri)) return
        const asked = new URL(uri)
        expect(isLoopbackRedirect(uri)).toBe(true)
        const same = registered.filter((one) => URL.canParse(one)).map((one) => new URL(one))
        expect(same.map(({ hostname, pathname, search }) => `${hostname}${pathname}${search}`)).toContain(
          `${asked.hostname}${asked.pathname}${asked.search}`,
        )
      }),
      { numRuns: 3000 },
    )
  })

  test('any port of this machine is as good as another', () => {
    const host = fc.constantFrom('127.0.0.1', '[::1]', 'localhost')
    fc.assert(
      fc.property(
        host,
        fc.integer({ min: 1, max: 65_535 }),
        fc.integer({ min: 1, max: 65_535 }),
        (name, one, other) => {
          expect(redirectAllowed([`http://${name}:${one}/cb`], `http://${name}:${other}/cb`)).toBe(true)
          expect(withoutPort(`http://${name}:${one}/cb`)).toBe(`http://${name}/cb`)
        },
      ),
    )
  })
})

test('a person is shown a host, or the scheme of an app', () => {
  expect(redirectName('https://claude.ai/api/mcp/auth_callback')).toBe('claude.ai')
  expect(redirectName('http://localhost:3118/callback')).toBe('localhost:3118')
  expect(redirectName('cursor://anysphere.cursor-mcp/oauth/callback')).toBe('cursor://anysphere.cursor-mcp')
  expect(redirectName('com.example.app:/cb')).toBe('com.example.app://')
})
