import type { ApiPropertyOptions } from '@nestjs/swagger';

const described: (readonly [target: object, field: string | symbol, options: ApiPropertyOptions | undefined])[] = [];
const names = new Map<string, string>();

/**
 * What OpenAPI says of a DTO's field, like the decorator of that name in @nestjs/swagger. It is only noted: the gateway
 * alone describes the API, and loading that package is an eighth of all that a service does to start.
 */
export function ApiProperty(options?: ApiPropertyOptions): PropertyDecorator {
  return (target, field) => void described.push([target, field, options]);
}

/** What callers know a DTO by, where that is not the name of its class without `Dto`. */
export function SchemaName(name: string): ClassDecorator {
  return ({ name: className }) => void names.set(className, name);
}

/** The name of a class in the description of the API. */
export function schemaNameOf(className: string): string {
  return names.get(className) ?? className.replace(/(Dto|Schema)$/, '');
}

/**
 * Hands over what was noted, once, in the order in which it was.
 *
 * @param decorate the decorator of @nestjs/swagger
 */
export function describeFields(decorate: (options?: ApiPropertyOptions) => PropertyDecorator): void {
  for (const [target, field, options] of described.splice(0)) decorate(options)(target, field);
}
