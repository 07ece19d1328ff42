import { describe, expect, test } from 'vitest'
import { catalogueJsonSchema, describeCatalogue } from './describe-catalogue.ts'

describe('the description', () => {
  test('has words for every key', () => {
    const rows = describeCatalogue().trimEnd().split('\n').slice(2)
    expect(rows.filter((row) => / {2}\|$|\| \|$/.test(row))).toEqual([])
    expect(rows.map((row) => row.split('`')[1])).toContain('servers.<key>.tools.<key>.scopes')
    expect(rows).toContainEqual(expect.stringMatching(/^\| `publicUrl` \| required \| /))
  })

  test('and the schema for editors refuse keys that do not exist', () => {
    expect(catalogueJsonSchema()).toMatchObject({ additionalProperties: false, required: ['publicUrl'] })
  })
})
