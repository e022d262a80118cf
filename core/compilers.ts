import { createRequire } from 'node:module'

/** Turns an answer into text. */
type Serializer = (value: unknown) => string
type Ask = { schema?: unknown }
type Build = (schemas?: unknown, options?: object) => (ask: Ask) => Serializer

/** The default compilers of fastify, loaded on first use. */
const require = createRequire(import.meta.resolve('fastify'))

/** Compiles a schema at the first response, once for all routes that share it: most are never used, and none is needed
 *  for a start. */
const buildSerializer: Build = (schemas, options) => {
  const made = new Map<unknown, Serializer>()
  let compile: ReturnType<Build> | undefined
  const compiled = (ask: Ask) => {
    compile ??= (require('@fastify/fast-json-stringify-compiler') as () => Build)()(schemas, options)
    const serializer = compile(ask)
    made.set(ask.schema, serializer)
    return serializer
  }
  return ask => {
    let serializer: Serializer | undefined
    return value => (serializer ??= made.get(ask.schema) ?? compiled(ask))(value)
  }
}

/** The schema compilers for fastify. Plugins require their own validation of requests, so that Ajv is not loaded. */
export const compilersFactory = {
  buildSerializer,
  buildValidator: (schemas: unknown, options?: object) => require('@fastify/ajv-compiler')()(schemas, options)
}
