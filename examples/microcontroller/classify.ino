// Classifies one image with a network that `snnc build --target 'c{name=digits}'` wrote: put this file,
// digits.c and digits.h into a folder called "classify". docs/build-c.md says how to make them.
#include "digits.h"

static digits_image_t image[DIGITS_IMAGE_SIZE];  // the integers that the network's input becomes
static digits_logits_t logits[DIGITS_LOGITS_SIZE];

void setup() {
  Serial.begin(115200);
}

void loop() {
  // Fill `image` here: from a camera, a sensor, or the serial line.
  const unsigned long from = micros();
  digits_begin(image);
  int best = 0;
  for (int t = 0; t < DIGITS_TIMESTEPS; t++) {
    digits_step();
    digits_output(logits);
    best = 0;
    float second = -1e30f;
    for (int i = 1; i < DIGITS_LOGITS_SIZE; i++) {
      if (logits[i] > logits[best]) best = i;
    }
    for (int i = 0; i < DIGITS_LOGITS_SIZE; i++) {
      if (i != best && logits[i] > second) second = logits[i];
    }
    if (logits[best] - second > 5.0f) break;  // clear enough: later timesteps would only confirm it
  }
  Serial.print("class ");
  Serial.print(best);
  Serial.print(" in ");
  Serial.print(micros() - from);
  Serial.println(" us");
  delay(1000);
}
