import { createHash } from 'node:crypto'
import { html } from 'hono/html'
import { describe, expect, test } from 'vitest'
import { onwards, page, pageHeaders } from './page.ts'

describe('a page', () => {
  test('has one style, which its policy allows by hash and nothing else', async () => {
    const text = String(await page('Title', html`<p>x</p>`))
    const styles = [...text.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, inner = '']) => inner)
    expect(styles).toHaveLength(1)
    const hash = createHash('sha256')
      .update(styles[0] ?? '')
      .digest('base64')
    expect(pageHeaders['content-security-policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
    )
  })

  test('shows values as text, in its title too', async () => {
    const text = String(await page('<b>', html`<p>${'<script>alert(1)</script>'}</p>`))
    expect(text).toContain('<h1>&lt;b&gt;</h1>')
    expect(text).not.toContain('<script')
  })

  test('leads on by itself only where it is told to', async () => {
    expect(String(await page('x', html``))).not.toContain('http-equiv="refresh"')
    const text = String(await onwards('/next?a=1&b="'))
    expect(text).toContain('content="0;url=/next?a=1&amp;b=&quot;"')
    expect(text).toContain('<a href="/next?a=1&amp;b=&quot;">')
  })
})
