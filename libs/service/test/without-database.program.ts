import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { commonConfig, defineConfig } from '@puerta/config';
import { Handles } from '@puerta/messaging';
import { defineService, runService } from '../src';
import { sampleContract, ThingDto } from './sample';

const { 'things.slow': things } = sampleContract.patterns;
const contract = { name: 'sample', patterns: { 'things.slow': things } };

@Controller()
class Messages {
  @Handles(contract, 'things.slow')
  async slow({ name }: ThingDto): Promise<{ name: string }> {
    return { name };
  }
}

@Module({ controllers: [Messages] })
class MessagesModule {}

void runService(
  defineService({ contract, config: defineConfig('sample', commonConfig), module: () => MessagesModule }),
);
