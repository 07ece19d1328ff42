import { html } from 'hono/html'
import { isObject, type Log } from '#kernel'
import { type Html, page, pageHeaders } from './page.ts'
import { logged } from './send.ts'
import { asFault, statusOf } from './status.ts'

/** What a person sees when something of ours goes wrong or is refused: its sentence and code, nothing else. */
export async function failurePage(error: unknown, log: Log) {
  const { code, kind, message, data } = asFault(error)
  const status = statusOf(kind)
  const reference = status >= 500 ? logged(error, log) : undefined
  const body: Html = html`<p>${message}</p>
    <p class="quiet">
      <code>${code}</code>${reference === undefined ? '' : html` · <code>${reference}</code>`}
    </p>`
  return {
    status,
    headers: { ...pageHeaders, ...retryAfter(data) },
    body: await page('This cannot go on', body),
  }
}

function retryAfter(data: unknown): Readonly<Record<string, string>> {
  const seconds = isObject(data) ? data['retry_after'] : undefined
  return typeof seconds === 'number' ? { 'retry-after': String(seconds) } : {}
}
