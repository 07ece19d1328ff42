import { describe, expect, test } from 'vitest'
import { allowedUrl } from './allowed-url.ts'

const check = (value: string, local: boolean) => () => allowedUrl(value, { name: 'issuer', local })

describe('an address', () => {
  test.each(['https://as.example/x?y', 'https://as.example:8443'])(
    '%s is accepted from anywhere',
    (value) => {
      expect(check(value, false)).not.toThrow()
      expect(check(value, true)).not.toThrow()
    },
  )

  test.each([
    'http://127.0.0.1:4000',
    'http://[::1]:4000',
    'http://localhost:4000',
    'https://localhost',
    'http://2130706433',
  ])('%s on this machine is accepted only when the journey began on this machine', (value) => {
    expect(check(value, true)).not.toThrow()
    expect(check(value, false)).toThrow(expect.objectContaining({ code: 'discovery.url_refused' }))
  })

  test.each([
    'http://as.example',
    'http://127.0.0.1.as.example',
    'http://localhost.as.example',
    'http://a.localhost',
    'https://a.localhost',
    'https://localhost.',
    'https://a.LOCALHOST.',
    'http://10.0.0.1',
    'http://0.0.0.0',
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    'https://user@as.example',
    'https://:secret@as.example',
    'https://as.example/#',
    'https://as.example/#x',
    'https://as.example/\n2026 forged log line',
    'https://as.example/\u001b[2J',
    '/relative',
    '',
  ])('%j is refused', (value) => {
    expect(check(value, false)).toThrow(expect.objectContaining({ code: 'discovery.url_refused' }))
    expect(check(value, true)).toThrow(expect.objectContaining({ code: 'discovery.url_refused' }))
  })
})
