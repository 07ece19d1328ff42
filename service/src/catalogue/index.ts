export type { Catalogue, Registration } from './catalogue.ts'
export { catalogueJsonSchema, describeCatalogue } from './describe-catalogue.ts'
export { loadCatalogue } from './load-catalogue.ts'
