"""GLSL sources: the shadow depth pass, the surface pass and the sky."""

from __future__ import annotations

_LIGHT = """
uniform vec3 sun_direction; uniform vec3 sun_colour;
uniform vec3 zenith; uniform vec3 horizon; uniform vec3 ground;
uniform float overcast;

float hash(vec2 p) { return fract(sin(dot(p, vec2(127.1, 311.7))) * 43758.5453); }

float noise(vec2 p) {
    vec2 cell = floor(p), f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    float low = mix(hash(cell), hash(cell + vec2(1.0, 0.0)), f.x);
    float high = mix(hash(cell + vec2(0.0, 1.0)), hash(cell + vec2(1.0, 1.0)), f.x);
    return mix(low, high, f.y);
}

vec3 sky_radiance(vec3 direction) {
    float up = clamp(direction.z, 0.0, 1.0);
    vec3 radiance = mix(horizon, zenith, sqrt(up));
    float s = max(dot(direction, sun_direction), 0.0);
    float s8 = s * s; s8 *= s8; s8 *= s8;
    float s64 = s8 * s8; s64 *= s64; s64 *= s64;
    radiance += sun_colour * (0.10 * s8 + 0.22 * s64) * (1.0 - 0.9 * overcast);
    return mix(radiance, ground, clamp(-direction.z * 6.0, 0.0, 1.0));
}

// Narkowicz's fit of the ACES film curve, then the display's gamma.
vec3 tone(vec3 radiance) {
    vec3 c = radiance * 0.58;
    c = (c * (2.51 * c + 0.03)) / (c * (2.43 * c + 0.59) + 0.14);
    return pow(clamp(c, 0.0, 1.0), vec3(1.0 / 2.2));
}
"""

# Each instance is (position, scale), (cos yaw, sin yaw, class id or -1, instance id), (paint, 1 if painted).
_PLACE = """
in vec4 place; in vec4 turn;
vec3 rotate(vec3 v) { return vec3(turn.x * v.x - turn.y * v.y, turn.y * v.x + turn.x * v.y, v.z); }
"""

SOLID_VERTEX = (
    """
#version 430
uniform mat4 clip;
in vec3 position;
"""
    + _PLACE
    + """
void main() { gl_Position = clip * vec4(rotate(position) * place.w + place.xyz, 1.0); }
"""
)

SOLID_FRAGMENT = """
#version 430
void main() {}
"""

CUTOUT_VERTEX = (
    """
#version 430
uniform mat4 clip;
in vec3 position; in vec2 uv; in float layer;
"""
    + _PLACE
    + """
out vec3 texel_at;
void main() {
    texel_at = vec3(uv, layer);
    gl_Position = clip * vec4(rotate(position) * place.w + place.xyz, 1.0);
}
"""
)

CUTOUT_FRAGMENT = """
#version 430
uniform sampler2DArray images;
in vec3 texel_at;
void main() { if (texture(images, texel_at).a < 0.45) discard; }
"""

SURFACE_VERTEX = (
    """
#version 430
uniform mat4 clip; uniform mat4 near_light; uniform mat4 far_light; uniform mat4 overhead;
in vec3 position; in vec3 normal; in vec2 uv; in float layer; in vec3 colour;
in float gloss; in float class_id; in float paint;
in vec4 coat;
"""
    + _PLACE
    + """
out vec3 at; out vec3 facing; out vec3 texel_at; out vec3 tint; out float shine;
out vec3 near_at; out vec3 far_at; out vec3 overhead_at;
flat out uvec2 ids; flat out int material;
void main() {
    at = rotate(position) * place.w + place.xyz;
    facing = rotate(normal);
    texel_at = vec3(uv, layer);
    tint = mix(colour, coat.rgb, paint * coat.a);
    shine = gloss;
    material = int(class_id + 0.5);
    ids = uvec2(turn.z < -0.5 ? material : int(turn.z + 0.5), int(turn.w + 0.5));
    vec3 n = normalize(facing);
    near_at = (near_light * vec4(at + 0.05 * n, 1.0)).xyz * 0.5 + 0.5;
    far_at = (far_light * vec4(at + 0.18 * n, 1.0)).xyz * 0.5 + 0.5;
    overhead_at = (overhead * vec4(at + 0.03 * n, 1.0)).xyz * 0.5 + 0.5;
    gl_Position = clip * vec4(at, 1.0);
}
"""
)

SURFACE_FRAGMENT = (
    """
#version 430
uniform sampler2DArray images;
uniform sampler2DShadow near_shadow; uniform sampler2DShadow far_shadow; uniform sampler2DShadow overhead_depth;
uniform vec3 eye; uniform float fog_per_m; uniform float wet; uniform bool shadows;
uniform float near_texel; uniform float far_texel; uniform float overhead_step;
in vec3 at; in vec3 facing; in vec3 texel_at; in vec3 tint; in float shine;
in vec3 near_at; in vec3 far_at; in vec3 overhead_at;
flat in uvec2 ids; flat in int material;
layout(location = 0) out vec4 out_colour;
layout(location = 1) out uvec2 out_ids;
"""
    + _LIGHT
    + """
const int ROAD_LINE = 6, ROAD = 7, SIDEWALK = 8, VEGETATION = 9;

bool inside(vec3 q, float margin) { return all(greaterThan(q, vec3(margin))) && all(lessThan(q, vec3(1.0 - margin))); }

float tap4(sampler2DShadow map, vec3 q, float e) {
    return 0.25 * (texture(map, q + vec3(e, e * 0.4, 0.0)) + texture(map, q + vec3(-e * 0.4, e, 0.0))
                 + texture(map, q + vec3(-e, -e * 0.4, 0.0)) + texture(map, q + vec3(e * 0.4, -e, 0.0)));
}

float sunlit() {
    if (inside(near_at, 0.01)) return tap4(near_shadow, near_at - vec3(0.0, 0.0, 0.0002), near_texel);
    if (inside(far_at, 0.0)) return tap4(far_shadow, far_at - vec3(0.0, 0.0, 0.0006), far_texel);
    return 1.0;
}

// Share of the sky above that things close by leave open, from a depth map seen from straight above.
float open_sky() {
    if (!inside(overhead_at, 0.02)) return 1.0;
    float turn = hash(gl_FragCoord.xy) * 1.5708;
    vec2 a = vec2(cos(turn), sin(turn)) * overhead_step, b = vec2(-a.y, a.x) * 0.45;
    vec3 q = overhead_at - vec3(0.0, 0.0, 0.0006);
    float open = texture(overhead_depth, q + vec3(a, 0.0)) + texture(overhead_depth, q - vec3(a, 0.0))
               + texture(overhead_depth, q + vec3(b, 0.0)) + texture(overhead_depth, q - vec3(b, 0.0));
    return mix(0.40, 1.0, open * 0.25);
}

void main() {
    vec3 to_eye = eye - at;
    float distance_m = length(to_eye);
    vec3 view = to_eye / distance_m;
    vec4 texel = texture(images, texel_at);
    // Mipmapped alpha thins out with distance: the limit falls with it, so that foliage keeps its mass.
    if (texel.a < mix(0.5, 0.28, clamp(distance_m / 70.0, 0.0, 1.0))) discard;
    vec3 n = normalize(facing);
    if (dot(n, view) < 0.0) n = -n;

    vec3 albedo = pow(texel.rgb * tint, vec3(2.2));
    float g = shine;
    bool flat_ground = material == ROAD || material == ROAD_LINE || material == SIDEWALK;
    if (flat_ground) {
        float patches = noise(at.xy * 0.22) * 0.65 + noise(at.xy * 1.3) * 0.35;
        albedo *= 0.86 + 0.28 * patches;
        float puddle = smoothstep(0.5, 0.72, patches) * wet;
        albedo *= mix(1.0, 0.5, wet) * (1.0 - 0.3 * puddle);
        g = max(g, wet * 0.42 + 0.5 * puddle);
    }

    float facing_sun = dot(n, sun_direction);
    if (material == VEGETATION) facing_sun = facing_sun * 0.55 + 0.38;
    // Under clouds the sun is a wide source: no terminator and no cast shadow.
    facing_sun = mix(max(facing_sun, 0.0), 0.5 + 0.5 * facing_sun, overcast);
    float lit = shadows && facing_sun > 0.0 ? mix(sunlit(), 1.0, overcast) : 1.0;

    float open = open_sky();
    if (!flat_ground) open *= mix(0.66, 1.0, clamp(at.z * 0.8, 0.0, 1.0));
    vec3 above = 0.52 * zenith + 0.68 * horizon + 0.06 * sun_colour;
    // Walls and ground around send back neutral light: pure sky light would paint shadows blue.
    above = mix(above, vec3(dot(above, vec3(0.2126, 0.7152, 0.0722))) * vec3(1.03, 1.0, 0.95), 0.55);
    vec3 below = ground * (0.55 + 0.25 * dot(sun_colour, vec3(0.33)) * max(sun_direction.z, 0.0));
    vec3 radiance = albedo * (sun_colour * facing_sun * lit + mix(below, above, n.z * 0.5 + 0.5) * open);

    if (g > 0.02) {
        vec3 mirrored = reflect(-view, n);
        float edge = 1.0 - max(dot(n, view), 0.0), edge2 = edge * edge;
        float fresnel = 0.04 + 0.96 * edge2 * edge2 * edge;
        float spot = max(dot(n, normalize(view + sun_direction)), 0.0);
        spot *= spot; spot *= spot; spot *= spot; spot *= spot; spot *= spot; spot *= spot;
        radiance += g * (fresnel * sky_radiance(mirrored) * mix(0.45, 1.0, lit) * open
                         + sun_colour * lit * spot * (1.0 - overcast));
    }
    float haze = 1.0 - exp(-distance_m * fog_per_m);
    vec3 air = sky_radiance(normalize(vec3(-view.xy, max(-view.z, 0.02))));
    out_colour = vec4(tone(mix(radiance, air, haze)), 1.0);
    out_ids = ids;
}
"""
)

SKY_VERTEX = """
#version 430
in vec2 corner; out vec2 at;
void main() { at = corner; gl_Position = vec4(corner, 0.999999, 1.0); }
"""

SKY_FRAGMENT = (
    """
#version 430
uniform mat4 unproject; uniform vec3 eye; uniform float fog_per_m; uniform float cloud;
in vec2 at;
layout(location = 0) out vec4 out_colour;
layout(location = 1) out uvec2 out_ids;
"""
    + _LIGHT
    + """
void main() {
    vec4 far = unproject * vec4(at, 1.0, 1.0);
    vec3 direction = normalize(far.xyz / far.w - eye);
    vec3 radiance = sky_radiance(direction);
    if (direction.z > 0.01) {
        vec2 p = direction.xy / direction.z * 1.3;
        float n = noise(p) * 0.5 + noise(p * 2.1) * 0.25 + noise(p * 4.3) * 0.13 + noise(p * 8.7) * 0.07;
        float cover = smoothstep(1.0 - cloud, 1.25 - cloud * 0.6, n + 0.18) * smoothstep(0.01, 0.16, direction.z);
        vec3 cloud_colour = mix(horizon * 1.05 + sun_colour * 0.12, (horizon + zenith) * 0.5, overcast * n);
        radiance = mix(radiance, cloud_colour, cover * 0.85 * exp(-fog_per_m * 60.0));
    }
    radiance += sun_colour * 3.0 * smoothstep(0.9993, 0.9997, dot(direction, sun_direction))
              * (1.0 - overcast) * (1.0 - cloud);
    out_colour = vec4(tone(radiance), 1.0);
    out_ids = uvec2(0);
}
"""
)
