import { describe, expect, test } from 'vitest'
import { createCookies } from './cookies.ts'

describe('cookies on https', () => {
  const cookies = createCookies('https://tetrapod.example')

  test('are bound to this host and to encrypted connections', () => {
    expect(cookies.setSession('value', 60)).toBe(
      '__Host-tetrapod_session=value; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure',
    )
  })

  test('one that another host could have set does not count', () => {
    expect(cookies.session('tetrapod_session=forged')).toBeUndefined()
    expect(cookies.session('x=1; __Host-tetrapod_session=value')).toBe('value')
  })
})

describe('cookies on loopback http', () => {
  const cookies = createCookies('http://127.0.0.1:4000')

  test('have the port in their name: browsers send them to every port of a host', () => {
    expect(cookies.setSession('value', 60)).toBe(
      'tetrapod_session_4000=value; Max-Age=60; Path=/; HttpOnly; SameSite=Lax',
    )
    expect(cookies.session('tetrapod_session_4001=other')).toBeUndefined()
    for (const name of Object.values(cookies.library)) expect(name).toMatch(/_4000$/)
  })

  test('no header, no session', () => {
    expect(cookies.session(undefined)).toBeUndefined()
  })
})
