import { createRequire } from 'node:module'

/** Turns an answer into text. */
type Serializer = (value: unknown) => string
type Ask = { schema?: unknown }
type Build = (schemas?: unknown, options?: object) => (ask: Ask) => Serializer

/** The compilers that fastify itself brings, loaded when they are first needed. */
const bring = createRequire(import.meta.resolve('fastify'))

/** Compiles at the first answer, once for all routes that answer alike: most answers are never given, and none is
 *  needed for a start. */
const buildSerializer: Build = (schemas, options) => {
  const made = new Map<unknown, Serializer>()
  let compile: ReturnType<Build> | undefined
  const compiled = (ask: Ask) => {
    compile ??= (bring('@fastify/fast-json-stringify-compiler') as () => Build)()(schemas, options)
    const serializer = compile(ask)
    made.set(ask.schema, serializer)
    return serializer
  }
  return ask => {
    let serializer: Serializer | undefined
    return value => (serializer ??= made.get(ask.schema) ?? compiled(ask))(value)
  }
}

/** How fastify compiles the schemas of routes. The faces bring their own checks of what comes in: Ajv is not loaded for
 *  them. */
export const compilersFactory = {
  buildSerializer,
  buildValidator: (schemas: unknown, options?: object) => bring('@fastify/ajv-compiler')()(schemas, options)
}
