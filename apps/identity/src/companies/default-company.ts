import { Injectable, type OnModuleInit } from '@nestjs/common';
import { atBoot } from '@puerta/database';
import { InjectConfig } from '@puerta/service';
import { DataSource } from 'typeorm';
import { CompanyEntity } from './company.entity';
import type { IdentityConfig } from '../config';

/** Refuses to start with a default company that does not exist: else the first newcomer would find out. */
@Injectable()
export class DefaultCompanyCheck implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    @InjectConfig() private readonly config: IdentityConfig,
  ) {}

  async onModuleInit(): Promise<void> {
    const id = this.config.GATEWAY_DEFAULT_COMPANY_ID;
    if (!id || (await atBoot(() => this.dataSource.manager.existsBy(CompanyEntity, { id })))) return;
    throw new Error('GATEWAY_DEFAULT_COMPANY_ID names a company that does not exist');
  }
}
