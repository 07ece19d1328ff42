/** A form of a page: where it goes, what it sends by itself, and the buttons that add something. */
export interface Form {
  readonly action: string
  readonly method: 'get' | 'post'
  /** Fields with the values they have in the page. */
  readonly fields: Readonly<Record<string, string>>
  readonly buttons: readonly { readonly name: string; readonly value: string }[]
}

/** Reads the forms of a page, enough for pages that are made for people without scripts. */
export function formsOf(html: string): readonly Form[] {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)].map(([, own = '', inner = '']) => ({
    action: attribute(own, 'action') ?? '',
    method: attribute(own, 'method')?.toLowerCase() === 'post' ? 'post' : 'get',
    fields: Object.fromEntries(
      tags(inner, 'input')
        .filter((tag) => !['submit', 'button', 'image', 'reset'].includes(attribute(tag, 'type') ?? 'text'))
        .filter((tag) => !isBox(tag) || /\schecked\b/i.test(tag))
        .flatMap((tag) => named(tag, isBox(tag) ? 'on' : ''))
        .map(({ name, value }) => [name, value]),
    ),
    buttons: tags(inner, 'button').flatMap((tag) => named(tag, '')),
  }))
}

/** Where `<meta http-equiv="refresh" content="0; url=...">` leads, if the page has one. */
export function refreshOf(html: string): string | undefined {
  const tag = tags(html, 'meta').find((meta) => attribute(meta, 'http-equiv')?.toLowerCase() === 'refresh')
  return /^\s*\d+\s*;\s*url=(.+)$/i.exec(attribute(tag ?? '', 'content') ?? '')?.[1]?.trim()
}

/** What a person would read: the text of the page in one line. */
export function textOf(html: string): string {
  const shown = html.replace(/<(style|script|head)\b.*?<\/\1>/gis, ' ').replace(/<[^>]*>/g, ' ')
  return unescaped(shown).replace(/\s+/g, ' ').trim()
}

function tags(html: string, name: string): readonly string[] {
  return [...html.matchAll(new RegExp(`<${name}\\b((?:"[^"]*"|'[^']*'|[^>"'])*)>`, 'gi'))].map(
    ([, own = '']) => own,
  )
}

function named(tag: string, otherwise: string): readonly { name: string; value: string }[] {
  const name = attribute(tag, 'name')
  return name === undefined ? [] : [{ name, value: attribute(tag, 'value') ?? otherwise }]
}

function isBox(tag: string): boolean {
  return ['checkbox', 'radio'].includes(attribute(tag, 'type') ?? '')
}

function attribute(tag: string, name: string): string | undefined {
  const found = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(tag)
  const value = found?.[1] ?? found?.[2] ?? found?.[3]
  return value === undefined ? undefined : unescaped(value)
}

function unescaped(text: string): string {
  const named: Readonly<Record<string, string>> = {
    amp: '&',
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
    nbsp: ' ',
  }
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(amp|lt|gt|quot|apos|nbsp));/gi, (_, hex, decimal, name) =>
    name === undefined
      ? String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))
      : (named[name.toLowerCase()] ?? ''),
  )
}
