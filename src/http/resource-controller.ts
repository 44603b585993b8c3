import { Controller, Get, Req, Res, type Type } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

import { takeOver } from './exchange.js';
import type { ProtectedResource } from './protected-resource.js';

/** How long the document may be kept: a new issuer is known everywhere after so many seconds (RFC 9728 section 7.10). */
export const METADATA_MAX_AGE_SECONDS = 300;

/**
 * Where the metadata lies depends on the identifier, hence a class for each gateway. The document is no secret and no part of the
 * Secrets API: no token, no address check, no record (spec, "Audit" names what is recorded).
 */
export function resourceController(resource: ProtectedResource): Type {
  @Controller()
  class ResourceController {
    @Get(resource.path)
    show(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
      const exchange = takeOver(request, reply);
      exchange.action = `GET ${resource.path}`;
      exchange.publish(resource.document(), METADATA_MAX_AGE_SECONDS);
    }
  }
  return ResourceController;
}
