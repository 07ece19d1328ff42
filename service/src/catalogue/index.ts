export type { Catalogue, Registration } from './catalogue.ts'
export { catalogueJsonSchema, describeCatalogue } from './describe-catalogue.ts'
export { type ListenAddress, parseListen } from './listen.ts'
export { loadCatalogue } from './load-catalogue.ts'
