import { createCookieJar } from './cookie-jar.ts'
import { type Form, formsOf, refreshOf, textOf } from './html-forms.ts'

/** A page as it is after all redirects. */
export interface Page {
  readonly url: string
  readonly status: number
  readonly body: string
  readonly forms: readonly Form[]
  /** What a person would read, in one line. */
  readonly text: string
}

export interface Browser {
  open(url: string): Promise<Page>
  /** Sends a form of `page` as it stands, with `values` typed in or the button with that name and value pressed. */
  submit(page: Page, form: Form, values?: Readonly<Record<string, string>>): Promise<Page>
}

const HOPS_MAX = 20
const TIMEOUT_MS = 10_000

/**
 * A browser without a window: cookies, redirects, meta refresh and forms, no scripts. It takes the walk that a person
 * takes, through the same pages. Throws when a page leads in circles.
 */
export function createBrowser(): Browser {
  const jar = createCookieJar()

  async function walk(url: string, init: RequestInit): Promise<Page> {
    let at = new URL(url)
    let next: RequestInit = init
    for (let hop = 0; hop < HOPS_MAX; hop += 1) {
      const cookie = jar.for(at)
      const response = await fetch(at, {
        ...next,
        headers: { ...headersOf(next), accept: 'text/html', ...(cookie === undefined ? {} : { cookie }) },
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      jar.keep(at, response.headers.getSetCookie())
      const body = await response.text()
      const onward = redirectOf(response) ?? refreshOf(body)
      if (onward === undefined) {
        return { url: at.href, status: response.status, body, forms: formsOf(body), text: textOf(body) }
      }
      at = new URL(onward, at)
      if (![307, 308].includes(response.status)) next = {}
    }
    throw new Error(`More than ${HOPS_MAX} redirects, the last to ${at.origin}${at.pathname}`)
  }

  return {
    open: (url) => walk(url, {}),
    submit(page, form, values = {}) {
      const target = new URL(form.action === '' ? page.url : form.action, page.url)
      const body = new URLSearchParams({ ...form.fields, ...values })
      if (form.method === 'get') return walk(`${target.origin}${target.pathname}?${body.toString()}`, {})
      return walk(target.href, { method: 'POST', body, headers: { origin: new URL(page.url).origin } })
    },
  }
}

function redirectOf({ status, headers }: Response): string | undefined {
  return status >= 300 && status < 400 ? (headers.get('location') ?? undefined) : undefined
}

function headersOf({ headers }: RequestInit): Readonly<Record<string, string>> {
  return Object.fromEntries(new Headers(headers))
}
