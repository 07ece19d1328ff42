import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** Markup that is escaped already. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

/** The frame of every page. Nothing in it runs: no scripts, no styles of its own but the one sheet. */
export function page(title: string, content: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <main>${content}</main>
      </body>
    </html>`
}

/** A page for something that did not work: what happened, and what to do. */
export function problemPage(sentence: string, whatToDo: string): Html {
  return page(
    'This did not work · Tetrapod demo',
    html`<h1>This did not work</h1>
      <p class="refusal" role="alert">${sentence}</p>
      <p>${whatToDo}</p>
      <p><a class="button" href="/">Back to the assistant</a></p>`,
  )
}
