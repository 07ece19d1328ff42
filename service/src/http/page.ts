import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import { style } from './style.ts'

/** A piece of HTML from `hono/html`: every value put into it was escaped. */
export type Html = ReturnType<typeof html>

// In one piece: white space around the style would be part of what its hash is of.
const styleElement = raw(`<style>${style}</style>`)
const styleHash = createHash('sha256').update(style).digest('base64')

/**
 * Headers of every page: no script, no frame, no request to anywhere; forms go to us alone. The referrer policy keeps
 * an Origin header on our own forms, which is how a forged one is told.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
}

/** The shell of every page. Works without JavaScript, by keyboard, in light and dark. */
export function page(title: string, body: Html, next?: string): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        ${next === undefined ? '' : html`<meta http-equiv="refresh" content="0;url=${next}" />`}
        <title>${title} · Tetrapod</title>
        ${styleElement}
      </head>
      <body>
        <main>
          <p class="brand" aria-hidden="true">Tetrapod</p>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`
}

/**
 * The answer to a form: a page that goes on to `next` by itself. A redirect would be blocked where it leads to the
 * agent, since `form-action` covers redirects too.
 */
export function onwards(next: string): Html {
  return page('One moment', html`<p><a href="${next}">Continue</a></p>`, next)
}
